# SPDX-License-Identifier: GPL-2.0
"""Sphinx's settings for the documentation site; docs/build makes it."""

# pylint: disable=invalid-name

project = 'videobuf2-mem'
extensions = ['myst_parser']
myst_heading_anchors = 4
highlight_language = 'none'
smartquotes = False

html_theme = 'sphinx_rtd_theme'
html_title = 'videobuf2-mem'
html_static_path = ['style.css']
html_css_files = ['style.css']
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False
html_show_sourcelink = False
