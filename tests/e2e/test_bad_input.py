"""Bad input is refused with the right exit code and one sentence, and nothing is written."""
import os

import trireme
from trireme import Case, token_file


class BadConfiguration(Case):
    def setUp(self):
        super().setUp()
        self.write_data()
        self.write_config()

    def refuse_setting(self, setting, *parts):
        self.refuse(2, parts, "train", "run.yaml", "--out", "run", "--set", setting)
        self.assert_nothing("run")

    def test_an_unknown_key_is_refused_with_file_line_and_suggestion(self):
        self.write("bad.yaml", "model:\n  arch: gpt2\n  layrs: 3\n")
        self.refuse(2, ["bad.yaml:3", "model.layrs", "did you mean layers?"], "train", "bad.yaml",
                    "--out", "run")
        self.assert_nothing("run")

    def test_an_unknown_key_in_a_setting_is_refused_with_a_suggestion(self):
        self.refuse_setting("model.widht=32", "--set", "model.widht", "did you mean width?")

    def test_a_value_out_of_bounds_is_refused_with_the_bounds(self):
        self.refuse_setting("train.steps=0", "train.steps", "found '0'", "1 to 1000000000")
        self.write("bad.yaml", "optimizer: {lr: 1000}\n")
        self.refuse(2, ["bad.yaml:1", "optimizer.lr", "1000", "100"], "train", "bad.yaml", "--out",
                    "run")

    def test_a_value_of_the_wrong_type_is_refused_with_the_type(self):
        self.refuse_setting("model.width=broad", "model.width", "found 'broad'", "whole number")
        self.write("bad.yaml", "train:\n  steps: [1, 2]\n")
        self.refuse(2, ["bad.yaml:2", "train.steps", "whole number"], "train", "bad.yaml", "--out",
                    "run")

    def test_an_unknown_name_of_a_choice_is_refused_with_the_choices(self):
        self.refuse_setting("model.arch=gpt3", "model.arch", "gpt3", "gpt2", "llama")

    def test_yaml_that_is_none_is_refused_with_its_line(self):
        self.write("bad.yaml", "model: {arch: gpt2\ntrain: [\n")
        self.refuse(2, ["bad.yaml:"], "train", "bad.yaml", "--out", "run")

    def test_heads_that_do_not_divide_the_width_are_refused(self):
        self.refuse_setting("model.heads=3", "model.heads", "found 3", "divides model.width = 16")

    def test_a_batch_that_is_no_multiple_of_the_microbatch_is_refused(self):
        self.refuse_setting("train.microbatch=4", "train.batch", "found 6",
                            "multiple of train.microbatch = 4")

    def test_more_servers_than_blocks_are_refused(self):
        self.refuse(2, ["servers", "found 1000", "at most", "block"], "train", "run.yaml", "--out",
                    "run", "--servers", 1000)
        self.assert_nothing("run")

    def test_a_configuration_that_is_missing_is_refused(self):
        self.refuse(2, ["nowhere.yaml", "No such file"], "train", "nowhere.yaml", "--out", "run")
        self.assert_nothing("run")

    def test_a_missing_option_is_named(self):
        self.refuse(2, ["--out", "missing"], "train", "run.yaml")

    def test_an_output_without_a_name_is_refused(self):
        self.refuse(2, ["--out", "found ''"], "train", "run.yaml", "--out", "")

    def test_a_hostfile_without_a_number_of_workers_is_refused(self):
        self.refuse(2, ["--workers", "--hostfile"], "train", "run.yaml", "--out", "run",
                    "--hostfile", "hosts")
        self.assert_nothing("run")

    def test_an_unknown_option_is_refused(self):
        self.refuse(2, ["--worker"], "train", "run.yaml", "--out", "run", "--worker", 2)
        self.assert_nothing("run")


class BadData(Case):
    def setUp(self):
        super().setUp()
        self.write("tokens.bin", token_file([i % 200 for i in range(2000)]))
        self.write_config(data={"sources": [{"name": "t", "path": "tokens.bin"}]})

    def refuse_data(self, code, *parts):
        self.refuse(code, parts, "train", "run.yaml", "--out", "run")
        self.assert_nothing("run")

    def test_no_source_is_a_configuration_error(self):
        self.write_config(data={"sources": []})
        self.refuse_data(2, "data.sources", "found none", "at least one")

    def test_a_source_without_a_path_is_a_configuration_error(self):
        self.write_config(data={"sources": [{"name": "t"}]})
        self.refuse_data(2, "data.sources.0.path", "found nothing")

    def test_data_that_is_missing_is_refused(self):
        os.unlink(self.path("tokens.bin"))
        self.refuse_data(3, "tokens.bin", "No such file")

    def test_a_truncated_token_file_is_refused_with_both_sizes(self):
        self.cut("tokens.bin", -3)
        self.refuse_data(3, "tokens.bin", "truncated", "found 5021 bytes", "expected 5024")

    def test_a_token_file_cut_within_its_header_is_refused(self):
        self.cut("tokens.bin", 700)
        self.refuse_data(3, "tokens.bin", "found 700 bytes", "1024")

    def test_an_empty_token_file_is_refused(self):
        self.cut("tokens.bin", 0)
        self.refuse_data(3, "tokens.bin", "found 0 bytes")

    def test_a_wrong_magic_number_is_refused_with_what_to_say_for_nanogpt(self):
        self.change("tokens.bin", 0, b"\x2a\0\0\0")
        self.refuse_data(3, "tokens.bin", "found magic number 42", "expected llm.c's 20240520",
                         "format: nanogpt")

    def test_another_version_of_the_format_is_refused(self):
        self.change("tokens.bin", 4, b"\x09\0\0\0")
        self.refuse_data(3, "tokens.bin", "found version 9", "expected 1")

    def test_a_header_that_claims_more_tokens_than_there_are_is_refused(self):
        self.change("tokens.bin", 8, b"\xff\xff\xff\x7f")
        self.refuse_data(3, "tokens.bin", "truncated", "2147483647 tokens")

    def test_text_shorter_than_one_sample_is_refused(self):
        self.write("tokens.bin", token_file(range(10)))
        self.refuse_data(3, "tokens.bin", "has 10", "at least 17")

    def test_a_folder_without_tokens_is_refused_with_the_command_that_makes_one(self):
        os.mkdir(self.path("empty"))
        self.write_config(data={"sources": [{"name": "t", "path": "empty"}]})
        self.refuse_data(3, "empty", "trireme data prepare")

    def test_a_token_above_the_vocabulary_ends_the_run_with_the_token_its_place_and_the_vocabulary(
            self):
        self.change("tokens.bin", 1024 + 2 * 1000, b"\xc8\0")
        self.refuse(3, ["tokens.bin", "token ", "expected one below the vocabulary of 150"],
                    "train", "run.yaml", "--out", "run", "--workers", 1, "--set", "model.vocab=150",
                    "--set", "data.order=sequential")

    def test_a_prepared_folder_with_a_larger_vocabulary_than_the_model_is_refused(self):
        self.write_data()
        self.write_config(data={"sources": [{"name": "t", "path": "data"}]}, model={"vocab": 100})
        self.refuse_data(3, "data/data.yaml", "found a vocabulary of 256", "the model's 100")

    def test_a_prepared_folder_whose_token_file_was_exchanged_is_refused(self):
        self.write_data()
        self.write("data/train_000000.bin", token_file([1] * 500))
        self.write_config(data={"sources": [{"name": "t", "path": "data"}]})
        self.refuse_data(3, "data/train_000000.bin", "found 500 tokens", "as in data.yaml")

    def test_two_sources_of_one_name_are_refused(self):
        source = {"name": "t", "path": "tokens.bin"}
        self.write_config(data={"sources": [source, source]})
        self.refuse_data(2, "data.sources", "'t'", "different names")


class BadOutput(Case):
    def setUp(self):
        super().setUp()
        self.write_data()
        self.write_config()

    def test_an_output_below_a_regular_file_is_refused(self):
        self.write("file", "text")
        self.refuse(2, ["file/run", "Not a directory"], "train", "run.yaml", "--out", "file/run")
        self.assertEqual(self.read("file"), b"text")

    def test_an_output_that_is_a_regular_file_is_refused(self):
        self.write("file", "text")
        self.refuse(2, ["file"], "train", "run.yaml", "--out", "file")
        self.assertEqual(self.read("file"), b"text")

    def test_an_output_where_no_folder_can_be_made_is_refused(self):
        self.refuse(2, ["/proc/run", "cannot make the folder"], "train", "run.yaml", "--out",
                    "/proc/run")

    def test_a_folder_that_is_no_run_is_refused_and_left_alone(self):
        before = self.tree("data")
        self.refuse(2, ["--out data", "no run"], "train", "run.yaml", "--out", "data")
        self.assertEqual(self.tree("data"), before)

    def test_a_run_of_another_configuration_is_refused_and_left_alone(self):
        self.succeed("train", "run.yaml", "--out", "run", "--workers", 1, "--set", "train.steps=2")
        before = self.tree("run")
        self.refuse(2, ["--out run", "another configuration", "train.steps", "trireme resume"],
                    "train", "run.yaml", "--out", "run", "--workers", 1)
        self.assertEqual(self.tree("run"), before)

    def test_an_empty_folder_becomes_a_run(self):
        os.mkdir(self.path("run"))
        self.succeed("train", "run.yaml", "--out", "run", "--workers", 1, "--set", "train.steps=1")
        self.assert_whole("run", 1)


if __name__ == "__main__":
    trireme.main()
