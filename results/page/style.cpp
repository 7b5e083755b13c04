#include "results/page/html.h"

namespace emosweep::results {

std::string_view page_rules() {
  return R"css(* { box-sizing: border-box; }
html { scroll-behavior: smooth; }
body { margin: 0; background: var(--ground); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Liberation Sans", sans-serif; }
main, header.top, footer { max-width: 1120px; margin: 0 auto; padding: 0 24px; }
header.top { padding-top: 30px; }
h1 { font-size: 1.75rem; line-height: 1.2; margin: 0 0 2px; letter-spacing: -.01em; }
h2 { font-size: 1.35rem; margin: 56px 0 6px; padding-top: 18px; border-top: 1px solid var(--rule); letter-spacing: -.005em; }
h3 { font-size: 1.02rem; margin: 0 0 2px; }
p { margin: 8px 0; max-width: 78ch; }
a { color: var(--accent); }
a:focus-visible, button:focus-visible, summary:focus-visible, .scroll:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
.skip { position: absolute; left: -9999px; }
.skip:focus { left: 12px; top: 12px; background: var(--ground); padding: 6px 10px; }
p.quiet { color: var(--quiet); font-size: .93rem; }
.facts { color: var(--quiet); font-size: .93rem; margin: 2px 0; max-width: none; }
.line { display: flex; gap: 16px; align-items: flex-start; justify-content: space-between; }
button { font: inherit; font-size: .85rem; color: var(--quiet); background: var(--card); border: 1px solid var(--rule); border-radius: 8px; padding: 5px 12px; cursor: pointer; white-space: nowrap; }
.verdict { margin: 20px 0 22px; }
.verdict p { font-size: 1.05rem; }
.verdict p:first-child { font-size: 1.2rem; line-height: 1.45; }
.warning { border-left: 4px solid var(--warn); background: var(--warn-ground); padding: 8px 14px; border-radius: 0 8px 8px 0; }
.cards { display: grid; grid-template-columns: repeat(4, 1fr); gap: 14px; margin: 18px 0 8px; }
.card { background: var(--card); border: 1px solid var(--rule); border-radius: 12px; padding: 14px 16px; }
.card .name { font-size: .82rem; color: var(--quiet); }
.card .big { font-size: 1.72rem; font-weight: 650; line-height: 1.25; letter-spacing: -.02em; font-variant-numeric: tabular-nums; }
.card .big small { font-size: .95rem; font-weight: 500; color: var(--quiet); letter-spacing: 0; }
.card dl { display: grid; grid-template-columns: auto 1fr; gap: 0 10px; margin: 4px 0 0; font-size: .84rem; }
.card dt { color: var(--quiet); } .card dd { margin: 0; font-variant-numeric: tabular-nums; text-align: right; }
nav.contents { font-size: .93rem; margin: 14px 0 0; display: flex; flex-wrap: wrap; gap: 4px 16px; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .875rem; margin: 8px 0 14px; font-variant-numeric: tabular-nums; }
th, td { padding: 5px 10px; text-align: right; white-space: nowrap; border-bottom: 1px solid var(--grid); }
th:first-child { text-align: left; padding-left: 2px; }
tbody th { font-weight: 500; }
thead th { color: var(--quiet); font-weight: 600; font-size: .8rem; border-bottom: 1px solid var(--rule); }
thead th.sorts { cursor: pointer; }
thead th[aria-sort="ascending"]::after { content: " \2191"; } thead th[aria-sort="descending"]::after { content: " \2193"; }
tbody.baselines th, tbody.baselines td { color: var(--quiet); font-style: italic; }
td.text { text-align: left; white-space: normal; min-width: 220px; }
figure { margin: 26px 0 10px; padding: 0; break-inside: avoid; }
figcaption { color: var(--quiet); font-size: .875rem; max-width: 84ch; margin-bottom: 8px; }
svg.plot { display: block; width: 100%; height: auto; }
details { margin: 6px 0; }
summary { cursor: pointer; color: var(--quiet); font-size: .875rem; }
pre { background: var(--card); border: 1px solid var(--rule); border-radius: 8px; padding: 12px; overflow-x: auto; font-size: .82rem; line-height: 1.45; }
code { font-size: .92em; }
.pair { display: grid; grid-template-columns: 1fr 1fr; gap: 0 32px; align-items: start; }
.pair > * { min-width: 0; }
.button { display: inline-block; margin: 4px 10px 4px 0; padding: 6px 14px; border: 1px solid var(--rule); border-radius: 8px; background: var(--card); text-decoration: none; font-size: .9rem; }
.bad { color: var(--bad); } .good { color: var(--good); }
dl.facts-list { display: grid; grid-template-columns: max-content 1fr; gap: 2px 18px; font-size: .9rem; }
dl.facts-list dt { color: var(--quiet); } dl.facts-list dd { margin: 0; overflow-wrap: anywhere; }
footer { color: var(--quiet); font-size: .85rem; margin-top: 48px; padding-bottom: 40px; }
@media (max-width: 860px) { .cards { grid-template-columns: 1fr 1fr; } .pair { grid-template-columns: 1fr; } }
@media (max-width: 520px) {
  main, header.top, footer { padding-left: 16px; padding-right: 16px; }
  .cards { grid-template-columns: 1fr; gap: 10px; }
  h1 { font-size: 1.4rem; } .verdict p:first-child { font-size: 1.08rem; }
  dl.facts-list { grid-template-columns: 1fr; } dl.facts-list dd { margin-bottom: 6px; }
}
@media print {
  body { font-size: 11pt; } button, nav.contents, .downloads, summary { display: none; }
  h2 { break-before: auto; } .scroll { overflow: visible; } svg.plot { min-width: 0 !important; max-width: 100% !important; }
  .cards { grid-template-columns: repeat(4, 1fr); }
}
)css";
}

std::string_view page_script() {
  return R"js(
(function () {
  var root = document.documentElement, button = document.getElementById('theme');
  var dark = window.matchMedia && window.matchMedia('(prefers-color-scheme: dark)').matches;
  button.hidden = false;
  button.addEventListener('click', function () {
    dark = !dark;
    root.setAttribute('data-theme', dark ? 'dark' : 'light');
  });
  function value(row, column) {
    var text = row.cells[column] ? row.cells[column].textContent.trim() : '';
    var number = parseFloat(text.replace(/^[<\[+]+/, ''));
    return isNaN(number) ? text : number;
  }
  document.querySelectorAll('table').forEach(function (table) {
    var heads = table.tHead ? table.tHead.rows[0].cells : [];
    Array.prototype.forEach.call(heads, function (head, column) {
      head.classList.add('sorts');
      head.tabIndex = 0;
      function sort() {
        var up = head.getAttribute('aria-sort') === 'descending';
        Array.prototype.forEach.call(heads, function (other) { other.removeAttribute('aria-sort'); });
        head.setAttribute('aria-sort', up ? 'ascending' : 'descending');
        var body = table.tBodies[0], rows = Array.prototype.slice.call(body.rows);
        rows.sort(function (a, b) {
          var x = value(a, column), y = value(b, column);
          var order = typeof x === 'number' && typeof y === 'number' ? x - y : String(x).localeCompare(String(y));
          return up ? order : -order;
        });
        rows.forEach(function (row) { body.appendChild(row); });
      }
      head.addEventListener('click', sort);
      head.addEventListener('keydown', function (event) { if (event.key === 'Enter') sort(); });
    });
  });
})();
)js";
}

}  // namespace emosweep::results
