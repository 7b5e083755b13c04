#include "results/plots/style.h"

namespace emosweep::results {

// Hues after Okabe and Ito (2008), which people with any colour vision tell apart; text colours
// have a contrast of at least 4.5 on their ground in both schemes.
std::string_view plot_colours() {
  return R"css(:root {
  color-scheme: light dark;
  --ground: #ffffff; --card: #f6f7f9; --ink: #1b1f24; --quiet: #57606a; --rule: #d8dee4; --grid: #e7ebef;
  --accent: #0b62a8; --accent-soft: #0b62a8; --second: #b34700; --good: #00694b; --bad: #b3261e; --warn: #8a5200;
  --warn-ground: #fff4e0; --heat: #0b62a8; --on-heat: #ffffff;
  --c0: #0b62a8; --c1: #c25100; --c2: #007a5a; --c3: #a8437f; --c4: #7a6a00; --c5: #5b4fc4;
}
@media (prefers-color-scheme: dark) {
  :root:not([data-theme="light"]) {
    --ground: #0f1216; --card: #181d23; --ink: #e8ebee; --quiet: #a3adb8; --rule: #333b45; --grid: #262d35;
    --accent: #6cb6ff; --accent-soft: #6cb6ff; --second: #ff9d5c; --good: #4fd1a5; --bad: #ff8a80; --warn: #f2b45c;
    --warn-ground: #33270f; --heat: #4b9fea; --on-heat: #04121f;
    --c0: #6cb6ff; --c1: #ff9d5c; --c2: #4fd1a5; --c3: #f08cc4; --c4: #e0cf5a; --c5: #a79bff;
  }
}
:root[data-theme="dark"] {
  color-scheme: dark;
  --ground: #0f1216; --card: #181d23; --ink: #e8ebee; --quiet: #a3adb8; --rule: #333b45; --grid: #262d35;
  --accent: #6cb6ff; --accent-soft: #6cb6ff; --second: #ff9d5c; --good: #4fd1a5; --bad: #ff8a80; --warn: #f2b45c;
  --warn-ground: #33270f; --heat: #4b9fea; --on-heat: #04121f;
  --c0: #6cb6ff; --c1: #ff9d5c; --c2: #4fd1a5; --c3: #f08cc4; --c4: #e0cf5a; --c5: #a79bff;
}
:root[data-theme="light"] { color-scheme: light; }
)css";
}

std::string_view plot_rules() {
  return R"css(svg.plot { font: 12px system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Liberation Sans", sans-serif; }
svg.plot .paper { fill: var(--ground); }
svg.plot text { fill: var(--ink); }
svg.plot text.quiet { fill: var(--quiet); }
svg.plot text.small { font-size: 10.5px; fill: var(--quiet); }
svg.plot text.value { font-size: 11px; font-variant-numeric: tabular-nums; }
svg.plot text.strong { font-weight: 600; }
svg.plot text.on { fill: var(--on-heat); font-size: 10.5px; }
svg.plot text.off { font-size: 10.5px; }
svg.plot .axis { stroke: var(--quiet); stroke-width: 1; }
svg.plot .grid { stroke: var(--grid); stroke-width: 1; }
svg.plot .zero { stroke: var(--quiet); stroke-width: 1; stroke-dasharray: 3 3; }
svg.plot .chance { stroke: var(--second); stroke-width: 1; stroke-dasharray: 2 3; }
svg.plot .wide { fill: var(--accent-soft); opacity: .2; }
svg.plot .narrow { fill: var(--accent); opacity: .55; }
svg.plot .mean { stroke: var(--ink); stroke-width: 2; }
svg.plot .dot { fill: var(--ground); stroke: var(--accent); stroke-width: 1.4; }
svg.plot .spot { fill: var(--accent); }
svg.plot .good { fill: var(--good); }
svg.plot .bad { fill: var(--bad); }
svg.plot .plain { fill: var(--quiet); }
svg.plot line.good { stroke: var(--good); stroke-width: 2; }
svg.plot line.bad { stroke: var(--bad); stroke-width: 2; }
svg.plot line.plain { stroke: var(--quiet); stroke-width: 2; }
svg.plot .heat { fill: var(--heat); }
svg.plot .empty { fill: none; stroke: var(--grid); }
svg.plot .hollow { fill: none; stroke: var(--bad); stroke-width: 1.5; }
svg.plot path { fill: none; stroke-width: 1.8; stroke-linejoin: round; }
svg.plot .c0 { stroke: var(--c0); } svg.plot .f0 { fill: var(--c0); stroke: none; }
svg.plot .c1 { stroke: var(--c1); } svg.plot .f1 { fill: var(--c1); stroke: none; }
svg.plot .c2 { stroke: var(--c2); } svg.plot .f2 { fill: var(--c2); stroke: none; }
svg.plot .c3 { stroke: var(--c3); } svg.plot .f3 { fill: var(--c3); stroke: none; }
svg.plot .c4 { stroke: var(--c4); } svg.plot .f4 { fill: var(--c4); stroke: none; }
svg.plot .c5 { stroke: var(--c5); } svg.plot .f5 { fill: var(--c5); stroke: none; }
svg.plot .band { opacity: .16; }
svg.plot text.on2 { fill: var(--ground); font-size: 11px; font-weight: 600; }
)css";
}

}  // namespace emosweep::results
