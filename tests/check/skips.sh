#!/bin/sh
# skips.sh PLANNER_EXAMPLES PYTHON3 E2E: what cannot be tested here is told as skipped. The program
# exits with 77 where there is no python3; a file of tests of which some are skipped says how many.
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
env PATH=/nowhere "$1" >"$folder/out" 2>&1
code=$?
if [ $code -ne 77 ]; then
    echo "planner_examples without python3: found exit code $code, expected 77"
    exit 1
fi
cat >"$folder/some.py" <<'END'
import trireme
class Some(trireme.unittest.TestCase):
    def test_one(self):
        self.skipTest("no pseudo-terminals")
    def test_two(self):
        pass
END
sed 's/pass/self.skipTest("no mpirun")/' "$folder/some.py" >"$folder/none.py"
for file in some none; do
    echo 'trireme.main()' >>"$folder/$file.py"
    TRIREME=/bin/true PYTHONPATH=$3 "$2" -B "$folder/$file.py" >"$folder/$file" 2>/dev/null
    echo "exit $?" >>"$folder/$file"
done
if ! grep -q '^skipped: 1 of 2 tests: no pseudo-terminals$' "$folder/some" ||
    ! grep -q '^exit 0$' "$folder/some" || ! grep -q '^exit 77$' "$folder/none"; then
    echo "end-to-end tests: found the following, expected 'skipped: 1 of 2 tests' and 77"
    cat "$folder/some" "$folder/none"
    exit 1
fi
