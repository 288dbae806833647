# SPDX-License-Identifier: GPL-2.0-only
"""videobuf2/ as files of a kernel tree, for one kernel version.

Code in the tree knows one version only. Of compat.h is left what its conditions
leave for that version. A name of ours, or one that is just another word for
something, gives way to what it stands for; a shim for a function that the kernel
lacks, and what depends on more than the version, goes into the file that uses
it. Wording that is true outside a kernel tree only is changed by the patches
words*.patch, of which those apply that name no version, or this one.
"""

import operator
import os
import re
import subprocess
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
OURS = TOP / 'videobuf2'
# A control of the suite puts a broken manifest in its place.
SERIES = Path(os.environ.get('VBM_SERIES', TOP / 'patches/series'))
DIR = 'drivers/media/common/videobuf2'
INDEX = 'Documentation/driver-api/media/v4l2-core.rst'
DOC = 'Documentation/driver-api/media/v4l2-videobuf2-mem.rst'
# What becomes part of files that are there already, or is resolved.
MERGED = {'Kconfig', 'Makefile', 'compat.h'}
BACKENDS = {'videobuf2-dma-contig.c': 'VIDEOBUF2_DMA_CONTIG',
            'videobuf2-dma-sg.c': 'VIDEOBUF2_DMA_SG'}


# As in our Makefile: they are in the module that they test.
KUNIT_ONLY = '''ifeq ($(CONFIG_VBM_KUNIT_TEST),$(CONFIG_VIDEOBUF2_MEM))
{}
endif'''


class Error(Exception):
    """What a person who runs this is to be told."""


def sources():
    """The files of videobuf2/, by their names there."""
    said = subprocess.run(
        ['git', '-c', f'safe.directory={TOP}', '-C', str(OURS), 'ls-files',
         '-co', '--exclude-standard', '--deduplicate'],
        check=True, capture_output=True, text=True).stdout
    return {name for name in said.splitlines()
            if name not in MERGED and (OURS / name).is_file()}


def target(name):
    """Where a file of videobuf2/ goes in a kernel tree."""
    if name.startswith('include/') or '/' in name and \
       name.split('/')[0] in ('Documentation', 'tools'):
        return name
    return name if name == 'MAINTAINERS' else f'{DIR}/{name}'


# --- compat.h ---------------------------------------------------------------

def condition(text, version):
    """True, False, or what is left of an #if when the version is known."""
    def number(match):
        major, minor, sub = (int(n) for n in match[2].split(','))
        compare = operator.lt if match[1] == '<' else operator.ge
        return str(compare(version, (major, minor, sub)))

    text = re.sub(r'LINUX_VERSION_CODE\s*(<|>=)\s*KERNEL_VERSION\(([^)]*)\)',
                  number, text)
    parts = [p.strip() for p in text.split('&&')]
    if 'False' in parts:
        return False
    return ' && '.join(p for p in parts if p != 'True') or True


def shims(version):
    """What compat.h has for a version: name -> (arguments, body, block)."""
    text = (OURS / 'compat.h').read_text()
    found = {}
    for comment, test, yes, no in re.findall(
            r'(/\*\n(?: \*.*\n)+)#if (.*)\n((?:.|\n)*?)'
            r'(?:#else\n((?:.|\n)*?))?#endif\n', text):
        left = condition(test, version)
        if left is True or left is False:
            code = yes if left else no
        else:
            code = (f'#if {left}\n{yes}#else\n{no}#endif\n' if no else
                    f'#if {left}\n{yes}#endif\n')
        comment = re.sub(r' Goes\s+(\* )?with\s+(\* )?\d+\.\d+\.', '', comment)
        comment = re.sub(r'\n \*\n \*/', '\n */', comment)
        for name, args, body in re.findall(
                r'^#define (\w+)(\([^)]*\))?[ \t]*((?:.*\\\n)*.*)', code, re.M):
            whole = left in (True, False) and '({' not in body
            found[name] = (args and [a.strip() for a in args[1:-1].split(',')],
                           re.sub(r'\s*\\\n\s*', ' ', body).strip(),
                           None if whole and (name.startswith('VBM_') or not args)
                           else comment + code)
    return found


def split_call(text, at):
    """The arguments of the call whose bracket is at, and where it ends."""
    args, depth, begin = [], 0, at + 1
    for i in range(at, len(text)):
        depth += text[i] in '([{'
        depth -= text[i] in ')]}'
        if depth == 1 and text[i] == ',' or not depth:
            args.append(' '.join(text[begin:i].split()))
            begin = i + 1
        if not depth:
            return args, i + 1
    raise Error('compat.h: a call without an end')


def wrap(line):
    """A call that is too long, broken as the kernel's style has it."""
    done = []
    while len(line.expandtabs(8)) > 80:
        cut = max((m.end() for m in re.finditer(r', |\| ', line)
                   if len(line[:m.end() - 1].expandtabs(8)) <= 80), default=0)
        if not cut:
            raise Error(f'can not be wrapped: {line.strip()}')
        if not done:
            column = len(line[:line.index('(') + 1].expandtabs(8))
        done.append(line[:cut].rstrip())
        line = '\t' * (column // 8) + ' ' * (column % 8) + line[cut:]
    return '\n'.join(done + [line])


def expand(text, name, args, body):
    """The uses of one name in a file replaced by what it stands for."""
    while True:
        use = re.search(rf'\b{name}\b', text)
        if not use:
            return text
        end = use.end()
        given = []
        if args:
            given, end = split_call(text, end)
        word = body
        for arg, value in zip(args or [], given):
            word = re.sub(rf'\({arg}\)|\b{arg}\b', lambda m: value, word)
        begin = text.rfind('\n', 0, use.start()) + 1
        stop = text.find('\n', end)
        line = text[begin:use.start()] + word + text[end:stop]
        if line.endswith('\\'):
            # A line of a macro: keep its column, and no empty ones.
            column = len(text[begin:stop - 1].expandtabs(8))
            line = line[:-1].rstrip()
            pad = (column - len(line.expandtabs(8)) + 7) // 8
            line = line + '\t' * max(pad, 1) + '\\\n' if line.strip() else ''
        else:
            line = wrap(line) + '\n'
        text = text[:begin] + line + text[stop + 1:]


def resolve(text, known):
    """A source file without compat.h."""
    blocks = []
    for name, (args, body, block) in known.items():
        if not re.search(rf'\b{name}\b', text):
            continue
        if block is None:
            text = expand(text, name, args, body)
        elif block not in blocks:
            blocks.append(block)
    if blocks:
        last = list(re.finditer(r'^#include .*\n', text, re.M))[-1].end()
        text = text[:last] + '\n' + '\n'.join(blocks) + text[last:]
    left = re.search(r'\bVBM_(NS_DMA_BUF|DMA_BUF_PIN_OPS|VM_TRACKED|'
                     r'ALLOC_CONTIG_RANGE)\b', text)
    if left and not blocks:
        raise Error(f'compat.h: {left[0]} is not resolved')
    return text


# --- files that are there already -------------------------------------------

def objects(present):
    """Our Makefile's lines for the objects whose sources there are."""
    text = (OURS / 'Makefile').read_text()
    lines = []
    for name, value in re.findall(
            r'^videobuf2-mem-(\S+)\s*[:+]?=\s*((?:.*\\\n)*.*)', text, re.M):
        value = [o for o in value.replace('\\\n', ' ').split()
                 if o[:-2] + '.c' in present]
        if not value:
            continue
        tests = value[0].startswith('tests/')
        line = f'videobuf2-mem-{name} ' + (':=' if not lines else '+=')
        for obj in value:
            if len(line.rsplit('\n', 1)[-1].expandtabs(8)) + len(obj) > 76:
                line += ' \\\n\t\t  '
            line += ' ' + obj
        if tests:
            line = KUNIT_ONLY.format(line)
        lines.append(line + '\n')
    if 'vbm-trace.c' in present:
        lines.insert(0, '# vbm-trace.h is read a second time by '
                        '<trace/define_trace.h>.\n'
                        'CFLAGS_vbm-trace.o := -I$(src)\n\n')
    return ''.join(lines)


def insert(text, before, what, where):
    """Text before the first line that begins so."""
    at = re.search('^' + re.escape(before), text, re.M)
    if not at:
        raise Error(f'{where}: no line begins with "{before}"')
    return text[:at.start()] + what + text[at.start():]


def makefile(text, present):
    text = insert(text, '# Please keep it', objects(present) + '\n', 'Makefile')
    return insert(text, 'obj-$(CONFIG_VIDEOBUF2_MEMOPS)',
                  'obj-$(CONFIG_VIDEOBUF2_MEM) += videobuf2-mem.o\n', 'Makefile')


def kconfig(text, present):
    ours = (OURS / 'Kconfig').read_text()
    core, tests = ours[ours.index('config VIDEOBUF2_MEM'):].split(
        'config VBM_KUNIT_TEST')
    text = insert(text, 'config VIDEOBUF2_DMA_CONTIG', core, 'Kconfig')
    if any(name.startswith('tests/') for name in present):
        text = insert(text, 'config VIDEOBUF2_DMA_CONTIG',
                      f'config VBM_KUNIT_TEST{tests}\n', 'Kconfig')
    for name, symbol in BACKENDS.items():
        if name in present:
            text, n = re.subn(rf'(config {symbol}\n(?:\t.*\n)*?)'
                              r'(\tselect VIDEOBUF2_MEMOPS)',
                              r'\1\tselect VIDEOBUF2_MEM\n\2', text)
            if n != 1:
                raise Error(f'Kconfig: no place in {symbol}')
    return text


def maintainers(text, person):
    entry = (SERIES / 'MAINTAINERS').read_text().replace('@PERSON@', person)
    return insert(text, 'VIDTV VIRTUAL', entry + '\n', 'MAINTAINERS')


def table(name, heading):
    """A table of a page of docs/, as reStructuredText."""
    text = (TOP / name).read_text().split(f'## {heading}\n', 1)
    if len(text) != 2:
        raise Error(f'{name} has no section "{heading}"')
    rows = [[cell.strip() for cell in line.strip('|').split('|')]
            for line in text[1].split('\n## ')[0].splitlines()
            if line.startswith('|') and not line.startswith('|---')]
    done = '.. list-table::\n   :header-rows: 1\n'
    for row in rows:
        for i, cell in enumerate(row):
            done += ('\n   * - ' if not i else '     - ')
            done += cell.replace('`', '``') + '\n'
    return done


def document():
    return re.sub(r'^@TABLE (\S+): (.*)@\n',
                  lambda m: table(m[1], m[2]),
                  (SERIES / 'v4l2-videobuf2-mem.rst').read_text(), flags=re.M)


# --- the whole --------------------------------------------------------------

def version_of(source):
    text = (source / 'Makefile').read_text()
    return tuple(int(re.search(rf'^{n} = (\d+)', text, re.M)[1])
                 for n in ('VERSION', 'PATCHLEVEL', 'SUBLEVEL'))


def words(directory, kernel):
    """Applies what is worded otherwise in a kernel tree."""
    for patch in sorted(SERIES.glob('words*.patch')):
        if patch.stem not in ('words', f'words-{kernel}'):
            continue
        said = subprocess.run(['git', 'apply', str(patch)], cwd=directory,
                              capture_output=True, text=True)
        if said.returncode:
            raise Error(f'{patch.name}: {said.stderr.strip()}')


def originals(source):
    """The files of the kernel's that the series touches."""
    paths = [f'{DIR}/{name}' for name in ('Kconfig', 'Makefile', *BACKENDS)]
    return {path: (source / path).read_text()
            for path in [*paths, 'MAINTAINERS', INDEX]}


class Tree:
    """What the kernel tree is to be, as a function of what has arrived."""

    def __init__(self, source, kernel, work, person):
        self.base = originals(source)
        self.person = person
        known = shims(version_of(source))
        self.ours = {}
        for name in sources():
            path = work / target(name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(resolve((OURS / name).read_text(), known))
        # So that "git apply" has a repository to be in the top of.
        subprocess.run(['git', 'init', '-q', str(work)], check=True)
        words(work, kernel)
        for name in sources():
            self.ours[name] = (work / target(name)).read_text()
        self.everything = set(self.ours) | {'MAINTAINERS', DOC}

    def at(self, present):
        """path -> contents, of what differs from the kernel's."""
        files = {target(name): self.ours[name] for name in present
                 if name in self.ours}
        path = f'{DIR}/Makefile'
        files[path] = makefile(self.base[path], present)
        path = f'{DIR}/Kconfig'
        files[path] = kconfig(self.base[path], present)
        if 'MAINTAINERS' in present:
            files['MAINTAINERS'] = maintainers(self.base['MAINTAINERS'],
                                               self.person)
        if DOC in present:
            files[DOC] = document()
            files[INDEX] = self.base[INDEX].replace(
                '    v4l2-videobuf2\n',
                '    v4l2-videobuf2\n    v4l2-videobuf2-mem\n')
        return files
