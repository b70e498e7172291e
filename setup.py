"""Builds the extension modules; everything else about the project stands in pyproject.toml.

Design
------
a) The core is one Cython source (``_core.pyx``, which includes ``core/*.pxi``, ``maths/*.pxi`` and ``ops/*.pxi``),
   cythonized once. On x86-64 the C is then compiled once per CPU level into ``_core_base``, ``_core_v3`` and
   ``_core_v4``; ``_levels.py`` loads one of them as ``autograd_c._core``. So each exports ``PyInit__core``, and an op
   needs no table of function pointers.
b) Objects and generated C go below ``build/``, one directory for each extension: the levels compile side by side.
c) What was made from other sources or with other flags is made again, and a module that is not part of this build is
   removed: the loader would take a stale level for a good one.

Environment
-----------
AUTOGRAD_C_LEVELS=v4                      only these levels (comma separated): a third of the time
AUTOGRAD_C_OPTIMIZE=0                     the compiler's -O (3): 0 builds a level in half a minute, for development
AUTOGRAD_C_DEBUG=1                        Cython's checks and assertions, -O1 -g
AUTOGRAD_C_SANITIZE=address,undefined     the compiler's sanitizers, and assertions; one level, the baseline
"""

import copy
import glob
import logging
import os
import re
import subprocess
import sys
import sysconfig
import tempfile

import Cython
import numpy
from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext as _build_ext
from setuptools.command.build_py import build_py as _build_py

PACKAGE = "src/autograd_c"
CORE = "autograd_c._core_"  # and the level
LEVELS = ("base", "v3", "v4")

EXT_SUFFIX = sysconfig.get_config_var("EXT_SUFFIX")

DEBUG = os.environ.get("AUTOGRAD_C_DEBUG", "0") not in ("", "0")
SANITIZE = os.environ.get("AUTOGRAD_C_SANITIZE", "")
OPTIMIZE = os.environ.get("AUTOGRAD_C_OPTIMIZE", "3")

# The checks of a debug build. Not cdivision: Python's division would change results.
DEBUG_DIRECTIVES = {"boundscheck": True, "initializedcheck": True, "nonecheck": True}

# No -ffast-math: special values and the order of operations are part of the contract.
#   -fno-math-errno, -fno-trapping-math: nobody reads errno or traps, and a select may become a vector blend (an exp
#       with two of them runs 4 times faster at v3)
#   -ffp-contract=off: a*b - b*a is 0 at every level; where an fma is wanted the source says so
#   -fno-plt, -fno-semantic-interposition, -fvisibility=hidden: calls, into CPython and within, take no detour
#   -mmemset-strategy: gcc's choice, `rep stos`, costs 10 ns for each small object it clears
# What Cython generates for classes: no tp_vectorcall, since the core replaces Tensor's tp_new and calls those of nodes
# without arguments; no look for finalizers, which only Python subclasses have, and those have their own deallocator.
CYTHON_MACROS = [("CYTHON_VECTORCALL_TPNEW", "0"), ("CYTHON_USE_TP_FINALIZE", "0")]

UNIX_FLAGS = ["-fvisibility=hidden", "-fno-math-errno", "-fno-trapping-math", "-ffp-contract=off"]
OPTIONAL_UNIX_FLAGS = [  # not known to every compiler and target
    "-fno-plt",
    "-fno-semantic-interposition",
    "-mmemset-strategy=unrolled_loop:256:noalign,libcall:-1:noalign",
]
UNIX_RELEASE_FLAGS = [f"-O{OPTIMIZE}", "-g0"]
UNIX_DEBUG_FLAGS = ["-O1", "-g", "-UNDEBUG", "-fno-omit-frame-pointer"]
UNIX_SANITIZE_FLAGS = ["-fno-sanitize-recover=undefined", "-fno-strict-aliasing"]
UNIX_LEVEL = {"base": ["-march=x86-64"], "v3": ["-march=x86-64-v3"], "v4": ["-march=x86-64-v4"]}

MSVC_RELEASE_FLAGS = ["/O2" if OPTIMIZE != "0" else "/Od", "/fp:precise"]
MSVC_DEBUG_FLAGS = ["/Od", "/Zi", "/fp:precise"]
MSVC_LEVEL = {"base": [], "v3": ["/arch:AVX2"], "v4": ["/arch:AVX512"]}


def is_x86_64():
    """Whether the target is x86-64 and nothing else (a universal2 build for macOS is both)."""
    return sysconfig.get_platform().endswith(("x86_64", "amd64")) and sys.maxsize > 2**32


def wanted_levels():
    """The levels to build, from the environment and the target."""
    if SANITIZE or not is_x86_64():
        available = LEVELS[:1]
    elif sys.platform == "darwin":
        # macOS enables AVX-512 at its first use only: _cpu.pyx never finds it, and v4 would be dead weight.
        available = LEVELS[:2]
    else:
        available = LEVELS
    asked = [word.strip() for word in os.environ.get("AUTOGRAD_C_LEVELS", "").split(",") if word.strip()]
    if SANITIZE or not asked:
        return available
    for word in asked:
        if word not in available:
            raise SystemExit(f"AUTOGRAD_C_LEVELS: {word!r} is not a level of this target ({', '.join(available)})")
    return tuple(level for level in available if level in asked)


def extensions():
    """One Extension for each file to be linked; the levels of the core have their source in common."""
    includes = sorted(glob.glob(f"{PACKAGE}/*/*.pxi"))
    numpy_api = "NPY_2_0_API_VERSION"
    # The slow ones first: the others then fill the gaps of the parallel build.
    return [
        *(Extension(f"{CORE}{level}", [f"{PACKAGE}/_core.pyx"], depends=includes) for level in wanted_levels()),
        Extension(
            "autograd_c._numpy",
            [f"{PACKAGE}/_numpy.pyx"],
            include_dirs=[numpy.get_include()],
            define_macros=[("NPY_NO_DEPRECATED_API", numpy_api), ("NPY_TARGET_VERSION", numpy_api)],
        ),
        Extension("autograd_c._cpu", [f"{PACKAGE}/_cpu.pyx"]),
    ]


def core_level(ext):
    """The level that an extension of the core is for, or None for the small modules."""
    return ext.name.removeprefix(CORE) if ext.name.startswith(CORE) else None


def write_if_changed(path, text):
    """Write a file, but leave its time alone when it says the same already."""
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            if file.read() == text:
                return
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def copy_with_checks():
    """Copy the Cython sources to ``build/debug`` with the checks turned on; return the prefix of the copies.

    A directive in a file's header wins over one given to ``cythonize``, so the text itself must change.
    """
    off = re.compile(rf"\b({'|'.join(DEBUG_DIRECTIVES)})(\s*[=(]\s*)False")
    for path in glob.glob(f"{PACKAGE}/**", recursive=True):
        if path.endswith((".pyx", ".pxi", ".pxd", "__init__.py")):
            with open(path, encoding="utf-8") as file:
                write_if_changed(f"build/debug/{path}", off.sub(r"\1\2True", file.read()))
    return "build/debug/"


class build_ext(_build_ext):
    """Cythonize once, then compile every extension with its flags in a directory of its own."""

    def finalize_options(self):
        super().finalize_options()
        if self.parallel is None:
            self.parallel = os.cpu_count()

    def run(self):
        super().run()
        self.remove_strays()

    def get_export_symbols(self, ext):
        return ["PyInit__core"] if core_level(ext) else super().get_export_symbols(ext)

    def build_extensions(self):
        self.drop_unknown_levels()
        generated = self.cythonize_sources()
        compile_args, link_args = self.common_flags()
        compiler = getattr(self.compiler, "compiler_so", None)
        assertions = [] if DEBUG or SANITIZE else [("CYTHON_WITHOUT_ASSERTIONS", "1")]
        # The storage pool steps aside in a sanitized build, which would see nothing otherwise.
        sanitized = [("AUTOGRAD_C_SANITIZE", "1")] if SANITIZE else []
        for ext in self.extensions:
            ext.sources = [generated[source] for source in ext.sources]
            ext.define_macros = [*ext.define_macros, *CYTHON_MACROS, *assertions, *sanitized]
            ext.extra_compile_args = compile_args + self.level_flags(core_level(ext))
            ext.extra_link_args = link_args
            # The command line is a dependency like any file: other flags mean another build.
            command = (compiler, ext.extra_compile_args, ext.extra_link_args, ext.define_macros)
            stamp = os.path.join(self.build_temp, ext.name, "command.txt")
            write_if_changed(stamp, f"{command}\n")
            ext.depends = [*ext.depends, stamp]
        super().build_extensions()

    def build_extension(self, ext):
        # Levels made from one source would write one object file. In a copy, since other threads build the others.
        worker = copy.copy(self)
        worker.build_temp = os.path.join(self.build_temp, ext.name)
        super(build_ext, worker).build_extension(ext)

    def cythonize_sources(self):
        """Map each .pyx to its C file; ``cythonize`` follows the includes and skips what is up to date."""
        sources = sorted({source for ext in self.extensions for source in ext.sources})
        prefix = copy_with_checks() if DEBUG else ""
        names = ["autograd_c." + os.path.basename(source).removesuffix(".pyx") for source in sources]
        done = cythonize(
            [Extension(name, [prefix + source]) for name, source in zip(names, sources, strict=True)],
            # By versions, since cythonize compares times only, and the C depends on Cython and on numpy's .pxd.
            build_dir=f"build/cython-{Cython.__version__}-numpy-{numpy.__version__}",
            force=self.force,
            include_path=["src"],  # where _core.pyx finds the declarations of its C interface
            compiler_directives={"language_level": 3} | (DEBUG_DIRECTIVES if DEBUG else {}),
        )
        return {source: ext.sources[0] for source, ext in zip(sources, done, strict=True)}

    def common_flags(self):
        """The flags of the compiler and of the linker that every extension gets."""
        if self.compiler.compiler_type == "msvc":
            return (MSVC_DEBUG_FLAGS, ["/DEBUG"]) if DEBUG else (MSVC_RELEASE_FLAGS, [])
        flags = UNIX_FLAGS + [flag for flag in OPTIONAL_UNIX_FLAGS if self.accepts(flag)]
        if SANITIZE:
            kinds = SANITIZE + (",float-cast-overflow" if "undefined" in SANITIZE else "")
            return flags + UNIX_DEBUG_FLAGS + UNIX_SANITIZE_FLAGS + [f"-fsanitize={kinds}"], [f"-fsanitize={kinds}"]
        if DEBUG:
            return flags + UNIX_DEBUG_FLAGS, []
        strip = ["-s"] if sys.platform.startswith("linux") else []
        return flags + UNIX_RELEASE_FLAGS, strip

    def level_flags(self, level):
        """The flags of a level of the core."""
        if level is None or not is_x86_64():
            return []
        return MSVC_LEVEL[level] if self.compiler.compiler_type == "msvc" else UNIX_LEVEL[level]

    def accepts(self, flag):
        """Whether the compiler takes a flag without a word (clang warns about what it ignores)."""
        with tempfile.TemporaryDirectory() as folder:
            source = os.path.join(folder, "probe.c")
            with open(source, "w", encoding="utf-8") as file:
                file.write("int probe;\n")
            command = [*self.compiler.compiler_so, "-Werror", flag, "-c", source, "-o", source + ".o"]
            return subprocess.run(command, capture_output=True, check=False).returncode == 0

    def drop_unknown_levels(self):
        """Leave out the levels that the compiler cannot make (gcc before 11), rather than fail."""
        if self.compiler.compiler_type == "msvc":
            return
        for ext in list(self.extensions):
            if core_level(ext) in ("v3", "v4") and not self.accepts(*self.level_flags(core_level(ext))):
                self.warn(f"{ext.name} is not built: the C compiler does not know its -march")
                self.extensions.remove(ext)

    def remove_strays(self):
        """Delete the extension modules that earlier builds left where this one puts its own."""
        ours = {os.path.basename(self.get_ext_filename(ext.name)) for ext in self.extensions}
        # An in-place build makes its modules in build_lib and copies them.
        target = os.path.dirname(self.get_ext_fullpath("autograd_c._cpu"))
        for folder in {os.path.join(self.build_lib, "autograd_c"), target}:
            for path in glob.glob(f"{glob.escape(folder)}/*{EXT_SUFFIX}"):
                if os.path.basename(path) not in ours:
                    logging.info("removing %s, which is not part of this build", path)
                    os.remove(path)


class build_py(_build_py):
    """Keep files that have left the sources out of a wheel made from an old ``build/``."""

    def run(self):
        if not self.editable_mode:
            for path in glob.glob(f"{glob.escape(self.build_lib)}/autograd_c/**", recursive=True):
                if os.path.isfile(path) and not path.endswith(EXT_SUFFIX):
                    os.remove(path)
        super().run()


setup(ext_modules=extensions(), cmdclass={"build_ext": build_ext, "build_py": build_py})
