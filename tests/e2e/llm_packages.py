"""The official clients of two protocols of language models, from PyPI, in build/llm. They are
installed there once, when the variable TRIREME_LONG is set (tests/run --long sets it)."""
import os
import subprocess
import sys

from tokenizer_packages import ROOT, Missing, call

FOLDER = os.path.join(ROOT, "build", "llm")
PYTHON = os.path.join(FOLDER, "python", "bin", "python")
REQUIREMENTS = ["anthropic>=2.14", "openai>=3.57"]


def has_clients():
    return os.path.exists(PYTHON) and subprocess.run([PYTHON, "-c", "import anthropic, openai"],
                                                     stderr=subprocess.DEVNULL).returncode == 0


def provide_python():
    """A Python that has them, or raises Missing."""
    if not has_clients():
        if not os.environ.get("TRIREME_LONG"):
            raise Missing("the packages are not in build/llm (tests/run --long installs them)")
        os.makedirs(FOLDER, exist_ok=True)
        call([sys.executable, "-m", "venv", os.path.join(FOLDER, "python")], "python3 -m venv")
        call([PYTHON, "-m", "pip", "install", "--quiet", *REQUIREMENTS], "pip install")
    return PYTHON
