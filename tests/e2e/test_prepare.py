"""What `data prepare` reads, and that it holds out the same documents again."""
import gzip
import json
import os

import trireme
from trireme import Case, text_like


def document(i):
    return "<%04d> " % i + text_like(1000 + i, 900)


class Prepare(Case):
    def tokens(self, folder, kind):
        """The text of the token files of training or validation."""
        raw = b"".join(
            self.read(os.path.join(folder, name))[1024:]
            for name in sorted(os.listdir(self.path(folder))) if name.startswith(kind + "_"))
        return raw[::2].decode("latin-1")

    def held_out(self, folder, n):
        val, train = self.tokens(folder, "val"), self.tokens(folder, "train")
        found = {i for i in range(n) if "<%04d> " % i in val}
        self.assertEqual({i for i in range(n) if "<%04d> " % i in train}, set(range(n)) - found)
        return found

    def write_files(self, folder, first, n):
        os.makedirs(self.path(folder), exist_ok=True)
        for i in range(first, first + n):
            self.write("%s/%d.txt" % (folder, i), document(i))

    def test_a_text_that_grows_holds_out_what_it_held_out(self):
        self.write_files("in", 0, 150)
        self.succeed("data", "prepare", "in", "--out", "small")
        self.write_files("more", 150, 60)
        self.succeed("data", "prepare", "more", "in", "--out", "large")
        small, large = self.held_out("small", 150), self.held_out("large", 210)
        self.assertTrue(small)
        self.assertEqual({i for i in large if i < 150}, small)

    def test_lines_of_an_archive_are_documents_as_files_are(self):
        self.write_files("in", 0, 150)
        lines = "".join(json.dumps({"id": i, "text": document(i)}) + "\n" for i in range(150))
        self.write("all.jsonl.gz", gzip.compress(lines.encode()))
        self.succeed("data", "prepare", "in", "--out", "files")
        done = json.loads(
            self.succeed("data", "prepare", "all.jsonl.gz", "--field", "text", "--out", "lines",
                         "--json").out)
        self.assertEqual((done["documents"], done["bytes"]), (150, sum(
            len(document(i)) for i in range(150))))
        self.assertEqual(self.held_out("lines", 150), self.held_out("files", 150))

    def test_what_is_damaged_inside_is_refused_and_nothing_is_written(self):
        packed = gzip.compress(text_like(1, 50000).encode())
        self.write("cut.txt.gz", packed[:-5])
        self.write("bad.jsonl", '{"text": "a"}\n{"text": 1}\n')
        before = self.tree()
        self.refuse(3, ["cut.txt.gz", "gzip", "cut short"], "data", "prepare", "cut.txt.gz",
                    "--out", "data")
        self.refuse(3, ["bad.jsonl: line 2", "'text'", "found 1"], "data", "prepare", "bad.jsonl",
                    "--field", "text", "--out", "data")
        self.refuse(2, ["--field", ".jsonl"], "data", "prepare", "cut.txt.gz", "--field", "text",
                    "--out", "data")
        self.assertEqual(self.tree(), before)
        self.assert_nothing("data")


if __name__ == "__main__":
    trireme.main()
