# Includes go downward only: cases > solvers, surrogates > operators > io; solvers and surrogates do not include each other.
root=$(cd "${0%/*}/../.." && pwd)
. "${0%/*}/lib.sh"

# downward FLOOR OTHERS: none of the others, separated by |, is included there.
downward() { ! grep -rnE "^ *# *include \"($2)/" "$root/$1" --include='*.[ch]' >found.txt || fail "an include of $1 that goes upward or sideways: $(cat found.txt)"; }
downward io 'operators|solvers|surrogates|cases|tests'
downward operators 'solvers|surrogates|cases|tests'
downward solvers 'surrogates|cases|tests'
downward surrogates 'solvers|cases|tests'
downward cases tests
finish
