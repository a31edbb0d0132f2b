# Installed, the program finds its cases, and a project outside the tree builds on it: with CMake, and by pkg-config alone.
build=${2%/*}
source=$(cd "${0%/*}/../.." && pwd)
. "${0%/*}/lib.sh"
CFLAGS=$(sed -n 's/^CMAKE_C_FLAGS:[A-Z]*=//p' "$build/CMakeCache.txt") # a library with sanitizers is linked with them
export CFLAGS

cmake --install "$build" --prefix "$PWD/prefix" >install.txt 2>&1 || fail "the installation: $(tail -n 5 install.txt)"
expect 0 "" prefix/bin/nomos --version
expect 0 "" prefix/bin/nomos list
grep -q "cases (in $PWD/prefix/share/nomos/cases)" out.txt || fail "the installed program lists: $(cat out.txt)"
for case in "$source"/cases/*/*/case.yaml; do
  [ ! -e "$case" ] || [ -e "prefix/share/nomos/${case#"$source"/}" ] || fail "$case is not installed"
done
find prefix/share/nomos/cases -name '*.[ch]' | grep -q . && fail "sources among the installed cases"

cmake -S "$source/tests/install_example" -B example -DCMAKE_PREFIX_PATH="$PWD/prefix" >cmake.txt 2>&1 && cmake --build example >>cmake.txt 2>&1 || fail "the example with CMake: $(tail -n 20 cmake.txt)"
expect 0 "" example/sine
expect 0 "" example/decay run "$source/tests/install_example" --check --quiet -o by_cmake

pc=$(find "$PWD/prefix" -name nomos.pc)
# shellcheck disable=SC2046
PKG_CONFIG_PATH=${pc%/*}${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH} mpicc $CFLAGS "$source/tests/install_example/decay.c" -o decay \
  $(PKG_CONFIG_PATH=${pc%/*}${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH} pkg-config --cflags --libs nomos) >pc.txt 2>&1 || fail "the example with pkg-config: $(tail -n 20 pc.txt)"
expect 0 "" ./decay run "$source/tests/install_example" --check --quiet -o by_pkg_config
expect 0 "" mpirun --oversubscribe -n 2 ./decay run "$source/tests/install_example" --quiet -o on_two_ranks
same by_cmake on_two_ranks
same by_cmake by_pkg_config
finish
