"""How Sphinx builds the site; `make docs` calls it with warnings as errors."""

import logging
import sys
from pathlib import Path

import downslope

sys.path.insert(0, str(Path(__file__).parent / "extensions"))
import library

EXECUTED = Path(__file__).parent / "_build" / "executed" / library.fingerprint()
logging.basicConfig(level=logging.WARNING)  # first, since a part of the theme asks for every message there is

project = "downslope"
author = "The downslope developers"
copyright = f"2026, {author}"
version = release = downslope.__version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_design",
    "sphinx_copybutton",
    "sphinx_gallery.gen_gallery",
    "command_line",
    "docstrings",
    "formulas",
    "gallery",
    "laboratory",
    "notebooks",
]
exclude_patterns = ["_build", "extensions", "gallery/*.ipynb"]  # of the gallery's scripts, to be taken along

# Lessons and guides are notebooks, executed when they or the library changed; an error in a cell ends the build.
nb_execution_mode = "cache"
nb_execution_cache_path = str(EXECUTED)
nb_execution_in_temp = True
nb_execution_raise_on_error = True
nb_execution_timeout = 120
nb_merge_streams = True
myst_enable_extensions = ["amsmath", "attrs_block", "attrs_inline", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
html_math_renderer = "pictures"
smartquotes = False  # quotes here are Python's

sphinx_gallery_conf = {
    "examples_dirs": "../examples/gallery",
    "gallery_dirs": "gallery",  # written by each build, and in no repository
    "filename_pattern": r"\.py$",
    "within_subsection_order": "FileNameSortKey",
    "image_scrapers": ("gallery",),  # docs/extensions/gallery.py
    "capture_repr": ("__repr__",),
    "ignore_repr_types": ".*",  # the last line gives a picture, and no text
    "thumbnail_size": (480, 320),
    "download_all_examples": False,
    "show_signature": False,
    "write_computation_times": False,
    "min_reported_time": 1e9,
    "abort_on_example_error": True,
    "run_stale_examples": not EXECUTED.exists(),  # with this library none has run yet
}

autodoc_typehints = "none"  # shapes and kinds are told in words, which say more than `Any`
autodoc_member_order = "bysource"
maximum_signature_line_length = 80
nitpicky = True
nitpick_ignore = [("py:class", "optax.GradientTransformationExtraArgs")]  # the build asks no other site

html_theme = "furo"
pygments_dark_style = "github-dark"
html_title = "downslope"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False  # a lesson's source is its notebook, which the page gives
html_copy_source = False
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
