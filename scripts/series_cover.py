# SPDX-License-Identifier: GPL-2.0-only
"""The cover letter: patches/series/cover, with what the tree knows put in.

  @RELEASE@                   of the kernel that the series is for
  @FIGURES SECTION@           the rows of docs/bench.md that have a bar, of that
                              section, for the kernel's series
  @TEST PROGRAM: TEXT@        a test that names a defect of the stock modules,
                              and what it says of them; a letter that names one
                              that there is not fails
"""

import re
import textwrap

from series_tree import SERIES, TOP, Error


def figures(kernel, section):
    text = (TOP / 'docs/bench.md').read_text()
    for block in text.split('```\n'):
        if block.split('\n', 1)[0].endswith(f'Linux {kernel}'):
            break
    else:
        raise Error(f'docs/bench.md: no figures for {kernel}')
    for part in block.split('\n\n'):
        head, *rows = part.splitlines()
        if head.startswith(section):
            rows = [r for r in rows if re.search(r'\d\s+\d+\.\d+\s+\d+\.\d+$', r)]
            # Narrower, for mail: the longest name takes 38 columns.
            return '\n'.join(' ' + r[:39] + r[45:] for r in [head, *rows])
    raise Error(f'docs/bench.md: no section "{section}" for {kernel}')


def stock_tests():
    """(program, text) -> what stock does."""
    found = {}
    for path in (TOP / 'selftests').glob('*.c'):
        for text, said in re.findall(
                r'\{\s*"([^"]*)"(?:(?!\n\t\{)[^"])*?\.stock = "([^"]*)"',
                path.read_text()):
            found[path.stem, text] = said
    return found


def cover(kernel, version):
    tests = stock_tests()

    def test(match):
        key = (match[1], ' '.join(match[2].split()))
        if key not in tests:
            raise Error(f'cover: no test of stock: {key[0]}: {key[1]}')
        return textwrap.fill(f'{key[0]}, "{key[1]}": {tests[key]}', 70,
                             initial_indent='     - ',
                             subsequent_indent='       ')

    text = (SERIES / 'cover').read_text()
    subject, text = text.split('\n', 1)
    text = text.replace('@RELEASE@', '.'.join(str(n) for n in version))
    text = re.sub(r'@FIGURES ([^@]*)@', lambda m: figures(kernel, m[1]), text)
    text = re.sub(r'^ *@TEST ([^:]*): ([^@]*)@', test, text, flags=re.M)
    return subject.removeprefix('Subject: '), text.strip()
