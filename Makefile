# SPDX-License-Identifier: GPL-2.0-only
#
# Targets for people. kbuild reads Kbuild.

KVER	?= $(shell uname -r)
KDIR	?= /lib/modules/$(KVER)/build
SUITE	?=
KERNEL	?=
# m: the modules of selftests/, too
VBM_TESTS ?= n

all: modules

help:
	@echo 'modules          build the modules for KDIR ($(KDIR))'
	@echo 'modules_install  install them where they win over the kernel'\''s'
	@echo 'deb              the Debian packages, into out/deb'
	@echo 'check            all test suites in virtual machines;'
	@echo '                 SUITE=name and KERNEL=6.12|7.2 narrow it'
	@echo 'soak             all of it, with what takes hours; KERNEL=... as well'
	@echo 'demo             a camera picture on a display; saves out/demo.png'
	@echo 'bench            instruction counts, ours against stock; KERNEL=...'
	@echo 'docs             the documentation as a site: out/docs/html'
	@echo 'plots            draws what bench has measured, into docs/images'
	@echo 'patch-series     the patches for the kernel, into out/; KERNEL=...'
	@echo 'clean            remove what "modules" made'

modules: check-crcs

# modpost writes the symbol versions, so the comparison with the kernel's comes
# right after it.
build-modules:
	$(MAKE) -C $(KDIR) M=$(CURDIR) VBM_TESTS=$(VBM_TESTS) modules

check-crcs: build-modules
	scripts/check-crcs.sh $(KDIR)/Module.symvers Module.symvers

modules_install: modules
	$(MAKE) -C $(KDIR) M=$(CURDIR) VBM_TESTS=$(VBM_TESTS) \
		INSTALL_MOD_DIR=updates modules_install

check:
	SUITE='$(SUITE)' KERNEL='$(KERNEL)' testbed/check

soak:
	SUITE='all soak series-each kunit lockdep failpoints' KERNEL='$(KERNEL)' testbed/check

deb:
	scripts/deb

demo:
	testbed/demo

bench:
	selftests/bench

patch-series:
	scripts/patch-series $(KERNEL)

docs:
	docs/build

plots:
	selftests/plots

clean:
	$(MAKE) -C $(KDIR) M=$(CURDIR) clean

.PHONY: all help modules build-modules check-crcs modules_install deb check \
	soak demo bench docs patch-series plots clean
