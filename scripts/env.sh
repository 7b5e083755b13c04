# Sourced by the other scripts: where things are, the compiler cache, and what Open MPI wants. Changes nothing by itself.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
emosweep_cache=${EMOSWEEP_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/emosweep}

# One cache per user, shared by all checkouts: paths below the checkout are hashed as relative ones, so a fresh clone of
# known sources compiles nothing.
export CCACHE_DIR=${CCACHE_DIR:-$emosweep_cache/ccache} CCACHE_BASEDIR=$root CCACHE_NOHASHDIR=1
export CCACHE_MAXSIZE=${CCACHE_MAXSIZE:-5G}
export CCACHE_SLOPPINESS=time_macros,include_file_mtime,include_file_ctime

export OMP_NUM_THREADS=1  # one single-threaded rank per core
if ((EUID == 0)); then    # Open MPI refuses root unless it is told twice
  export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
fi

# part NAME COMMAND...: runs it and prints how long it took, on stderr like all that is not data.
part() {
  local name=$1 start=$SECONDS
  shift
  "$@" || { local code=$?; echo "== $name: FAILED with exit code $code after $((SECONDS - start)) s" >&2; return "$code"; }
  echo "== $name: $((SECONDS - start)) s" >&2
}

# build PRESET [TARGET...]: configures once (ninja does it again by itself where a CMake file changed), then builds.
build() {
  local preset=$1
  shift
  [[ -e $root/build/$preset/build.ninja ]] || (cd "$root" && cmake --preset "$preset" >&2) || return
  cmake --build "$root/build/$preset" ${1:+--target "$@"} >&2
}
