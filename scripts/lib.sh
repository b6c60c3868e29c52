# Shared by scripts/test and .ci/run, which source it: tools live in target/tools, each made once
# per version, so that a second run costs nothing.

cd "$(dirname "${BASH_SOURCE[0]}")/.."
TOOLS="$PWD/target/tools"
mkdir -p "$TOOLS"

section() {
  printf '\n=== %s (at %d s)\n' "$*" "$SECONDS"
}

# system_package DEBIAN_NAME BREW_NAME
system_package() {
  local root=()
  [ "$(id -u)" = 0 ] || root=(sudo)
  if command -v apt-get >/dev/null; then
    "${root[@]}" apt-get update -qq
    "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$1"
  elif command -v brew >/dev/null; then
    brew install --quiet "$2"
  else
    echo "install \`$2\` with this system's package manager and try again" >&2
    return 1
  fi
}

# venv NAME PACKAGE==VERSION...
venv() {
  local dir="$TOOLS/$1" packages="${*:2}"
  [ "$(cat "$dir/installed" 2>/dev/null)" = "$packages" ] && return
  python3 -c 'import ensurepip' 2>/dev/null || system_package python3-venv python
  rm -rf "$dir"
  python3 -m venv "$dir"
  "$dir/bin/pip" install --quiet --disable-pip-version-check "${@:2}"
  echo "$packages" >"$dir/installed"
}

# The version of genai-prices whose data is embedded.
prices_version() {
  sed -n 's/.*"version": "\(.*\)".*/\1/p' src/prices/prices.meta.json
}
