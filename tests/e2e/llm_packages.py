"""The official clients of two protocols of language models, from PyPI and npm, and the compiler of
TypeScript, in build/llm. They are installed there once, when the variable TRIREME_LONG is set
(tests/run --long sets it)."""
import os
import subprocess
import sys

import mcp_packages
from tokenizer_packages import ROOT, Missing, call

FOLDER = os.path.join(ROOT, "build", "llm")
PYTHON = os.path.join(FOLDER, "python", "bin", "python")
REQUIREMENTS = ["anthropic>=2.14", "openai>=3.57"]
MODULES = os.path.join(FOLDER, "node_modules")
NODE_PACKAGES = {"@anthropic-ai/sdk": "1.14.0", "openai": "6.49.0", "typescript": "7.0.2"}
COMPILER = os.path.join(MODULES, "typescript", "bin", "tsc")


def need_long():
    if not os.environ.get("TRIREME_LONG"):
        raise Missing("the packages are not in build/llm (tests/run --long installs them)")
    os.makedirs(FOLDER, exist_ok=True)


def has_clients():
    return os.path.exists(PYTHON) and subprocess.run([PYTHON, "-c", "import anthropic, openai"],
                                                     stderr=subprocess.DEVNULL).returncode == 0


def provide_python():
    """A Python that has them, or raises Missing."""
    if not has_clients():
        need_long()
        call([sys.executable, "-m", "venv", os.path.join(FOLDER, "python")], "python3 -m venv")
        call([PYTHON, "-m", "pip", "install", "--quiet", *REQUIREMENTS], "pip install")
    return PYTHON


def provide_node():
    """A node, with the clients and the compiler in MODULES, or raises Missing."""
    if not all(os.path.exists(os.path.join(MODULES, name)) for name in NODE_PACKAGES):
        need_long()
        call([
            "npm", "install", "--prefix", FOLDER, "--no-audit", "--no-fund", "--loglevel=error",
            *("%s@%s" % package for package in NODE_PACKAGES.items())
        ], "npm install")
    return mcp_packages.node()
