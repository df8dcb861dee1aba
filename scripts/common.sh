# Shared by ./demo and ./check: install what is missing, configure, build. Sourced, not run.

cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1

say() { printf '\n== %s\n' "$*"; }

# The packages that are not installed: those to build and run, or with `tests` all of packages.txt.
missing_packages() { # missing_packages [tests]
    local package
    sed "$([ "${1:-}" = tests ] || echo '/^# For the tests/,$d')" packages.txt | grep -v '^#' | while read -r package; do
        dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || echo "$package"
    done
}

install_packages() { # install_packages [tests]
    local wanted root=()
    command -v dpkg-query >/dev/null ||
        { echo "not a Debian machine: install what packages.txt lists yourself"; return 0; }
    wanted=$(missing_packages "$@")
    [ -z "$wanted" ] && return 0
    say "installing missing packages:" $wanted
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || { echo "run this as root once, or install sudo:" $wanted >&2; exit 1; }
        root=(sudo)
    fi
    export DEBIAN_FRONTEND=noninteractive
    "${root[@]}" apt-get update -q </dev/null || exit 1
    # shellcheck disable=SC2086
    "${root[@]}" apt-get install -y -q --no-install-recommends $wanted </dev/null || exit 1
}

# Fetches the pinned MuJoCo below build/, where cmake finds it; without the package index, the system's is used.
fetch_mujoco() {
    local reason status=0
    reason=$(scripts/fetch_mujoco.sh 2>&1) || status=$?
    case $status in
        0) ;;
        1) say "$reason: using the system's MuJoCo" ;;
        *) echo "$reason" >&2; exit 1 ;;
    esac
}

pinned_mujoco() { # its folder, which exists once it was fetched
    sed -n 's|^mujoco[a-z-]*==\([0-9.]*\).*|build/mujoco-\1|p' scripts/mujoco.txt
}

# Version of the MuJoCo that a preset was configured with.
mujoco_of() { # mujoco_of PRESET
    sed -n 's/^ESP_MUJOCO_VERSION:INTERNAL=//p' "build/$1/CMakeCache.txt"
}

build() { # build PRESET [TARGET]
    say "building ($1)"
    cmake --preset "$1" >"build-$1.log" 2>&1 || { cat "build-$1.log" >&2; exit 1; }
    rm -f "build-$1.log"
    cmake --build --preset "$1" ${2:+--target "$2"} || exit 1
}
