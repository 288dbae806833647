// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the words of the core mean, in sentences, and what to do about them.
 *
 * There is a table for each of the core's tables of names. tools/tests looks at
 * both: a word that is missing here fails the suite.
 */

#include <stdio.h>
#include <string.h>

#include "words.h"

/* frozen=: "Buffer 3 stays where it is until it is freed: ..." */
const struct word freeze_words[] = {
	{ "-", "nothing keeps it where it is" },
	{ "address",
	  "its driver has read the DMA address, and may use it until then",
	  "If the driver reads the address anew for each DMA, name it in the parameter movable= of videobuf2-mem; better, have it keep the managed contract (vbm_contig_memops or vbm_sg_memops)." },
	{ "vaddr",
	  "its driver, or read(), has asked for the kernel address, and may use it until then",
	  "A driver that needs some bytes only can take vbm_access_get() in place of vb2_plane_vaddr(). A program can stream in place of read()." },
	{ "queued",
	  "its driver has been given it by QBUF or PREPARE_BUF, and may have read its address",
	  "Have the other devices attach before the first QBUF. If the driver reads the address anew for each DMA, name it in movable=; better, have it keep the managed contract." },
	{ "dequeued",
	  "its driver, though movable= names it, has read the address while user space had the buffer (in buf_init, or for a reference frame), so it is for later",
	  "Take the driver out of movable=: it gains nothing there." },
	{ "outside",
	  "its driver, though managed, has read the address outside of vbm_plane_prepare() and finish()",
	  "That is a mistake of the driver; the kernel's log has a warning that shows where." },
	{ "private",
	  "user space has it in a private, writable mapping, which can not be made again",
	  "Map it with MAP_SHARED." },
	{ "memory",
	  "its memory comes from the DMA API or from a driver's region, and there is no other like it",
	  "It is where its own device needs it. The other device has to reach it there, or import the other way round." },
	{ "user",
	  "its pages are those of the program that queued them (USERPTR)",
	  "Use MMAP buffers." },
	{}
};

/* why=: "It did not move, because ..." */
const struct word refusal_words[] = {
	{ "moved", "it moved" },
	{ "frozen", "it is frozen" },
	{ "owned", "it is queued, or its driver has read an address and not finished with it",
	  "Have the device attach before the buffer is queued, or after it is dequeued." },
	{ "mapped", "another device has it mapped or pinned, or has a fence on it that has not signalled",
	  "The other device has to unmap it first: let it be dequeued there. vbm show tells which mappings are in use." },
	{ "kernel", "somebody has its kernel address, or a driver is at vbm_access_get()",
	  "The importer has to give the kernel address back (vunmap) first." },
	{ "pinned", "one of its pages is in use for I/O (O_DIRECT, vmsplice), or is just being mapped by a program",
	  "Wait for that I/O, or have the device attach before it." },
	{ "raced", "its driver wanted it while it was being copied",
	  "It may work at the next try; to be sure, have the device attach before the buffer is queued." },
	{ "memory", "there was no memory that would do for all its devices",
	  "Free memory within the reach of the devices named above; set cma= for large contiguous buffers; fewer or smaller buffers." },
	{ "device", "its own device can not have the memory that the other one needs, or its driver has gone",
	  "Let the other device allocate and this one import, or use an IOMMU." },
	{}
};

/* lacks=, and what stands in demand= */
const struct word requirement_words[] = {
	{ "none", "nothing" },
	{ "address", "memory within its reach",
	  "An IOMMU removes the limit. Otherwise let the device with the narrowest reach allocate." },
	{ "segments", "memory in fewer pieces",
	  "An IOMMU makes one piece of any. Otherwise let the device that needs one piece allocate." },
	{ "segment-size", "shorter pieces",
	  "The limit is the driver's (dma_set_max_seg_size()) or stated in limits=: look whether it is right." },
	{ "boundary", "a piece that does not cross its boundary",
	  "The limit is the driver's (dma_set_seg_boundary()) or stated in limits=: look whether it is right." },
	{ "align", "memory that begins at a multiple of its alignment",
	  "The limit is the driver's (dma_set_min_align_mask()) or stated in limits=: look whether it is right." },
	{ "pages", "memory with struct pages, not a device's own",
	  "Have the buffer allocated in system memory, or imported by a driver that takes peer-to-peer memory." },
	{}
};

/* task=: "... when it ..." */
const struct word task_words[] = {
	{ "alloc", "was to have a buffer allocated (REQBUFS, CREATE_BUFS)" },
	{ "storage", "was to have memory for a buffer that had none yet" },
	{ "map", "was to be mapped" },
	{ "import", "was to import a dma-buf (QBUF)" },
	{ "userptr", "was to use memory of a program (QBUF, USERPTR)" },
	{ "shared", "was to have memory shared with other devices" },
	{ "access", "was to be accessed by a driver's CPU" },
	{}
};

/* reason=, and fail_* in stats */
const struct word reason_words[] = {
	{ "-", "for a reason that has no counter" },
	{ "nomem", "there was not enough memory that would do",
	  "Fewer or smaller buffers; cma= for large contiguous ones; an IOMMU makes any memory do. If a cgroup limits memory, that limit counts, too." },
	{ "limit", "memory that no cgroup can be charged for has reached its limit",
	  "Raise the parameter uncharged_limit_mb of videobuf2-mem." },
	{ "size", "the dma-buf is smaller than the plane that it was queued for",
	  "The two devices do not agree on the format: set the same size and bytesperline on both." },
	{ "contiguity", "the memory is not in one piece, and the driver has one address (\"contiguous chunk is too small\")",
	  "Let this device allocate and the other one import; or an IOMMU; or memory of a contiguous heap. Where it bounces, more than 256 KiB in one piece can not be had." },
	{ "map", "it could not be mapped for the device",
	  "The lines about the map, above or below, say why. EIO and ENOSPC mean that bounce buffers or device addresses were used up: swiotlb= makes more." },
	{ "attach", "the exporter does not let the device attach",
	  "The exporter's driver decides that: it may not reach the other device (peer-to-peer), or want an importer that can move." },
	{ "iomem", "it is device memory, which can not be accessed as memory",
	  "The driver wants a kernel address: export from system memory instead." },
	{ "nodev", "the driver of the device was going, or had gone",
	  "Bind the driver again, and open the video device again." },
	{ "align", "the program's memory does not begin and end at cache lines",
	  "Align it, to a page for instance (posix_memalign()), or use MMAP buffers." },
	{}
};

/* one=: how much a foreign device cares for one piece */
const struct word one_words[] = {
	{ "any", "nobody is known to care for memory in one piece beyond that" },
	{ "preferred", "memory in one piece is preferred for %s, which may need it, as displays do" },
	{ "wanted", "memory in one piece is wanted for %s, which has refused several pieces twice",
	  "If that was by chance: echo NAME > /sys/module/videobuf2_mem/parameters/forget" },
	{}
};

/* backing= */
const struct word backing_words[] = {
	{ "none", "it has no memory yet: that comes when its driver, a program or another device needs it" },
	{ "pages", "its memory comes from the page allocator" },
	{ "range", "its memory is a contiguous range that was cleared for it, since the page allocator had none as large" },
	{ "dma", "its memory comes from the DMA API: from CMA, or from memory that its own device has, or with attributes that the driver asks for" },
	{ "noncontig", "its memory comes from the DMA API, in pieces, since its own device is not coherent" },
	{ "region", "its memory is a part of a driver's own region" },
	{ "user", "its memory is the program's own" },
	{}
};

/* state= */
const struct word state_words[] = {
	{ "live", "nobody has a dma-buf of it" },
	{ "exported", "it is exported as a dma-buf" },
	{ "orphaned", "its queue has let go of it; a dma-buf or a user mapping keeps it" },
	{}
};

const struct word *word_find(const struct word *words, const char *word)
{
	for (; words->word; words++)
		if (!strcmp(words->word, word))
			return words;
	return NULL;
}

/* An unknown word is one of a newer kernel's. */
const struct word *word_meaning(const struct word *words, const char *word)
{
	static struct word unknown = {
		.means = "for a reason that this version of vbm does not know",
	};
	const struct word *found = word_find(words, word);

	unknown.word = word;
	return found ? found : &unknown;
}

/* All of them, for tests and the curious. */
void words_print(void)
{
	static const struct {
		const char *name;
		const struct word *words;
	} tables[] = {
		{ "frozen", freeze_words },
		{ "why", refusal_words },
		{ "lacks", requirement_words },
		{ "task", task_words },
		{ "reason", reason_words },
		{ "one", one_words },
		{ "backing", backing_words },
		{ "state", state_words },
	};
	const struct word *word;
	unsigned int i;

	for (i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		for (word = tables[i].words; word->word; word++)
			printf("%s=%s: %s\n", tables[i].name, word->word,
			       word->means);
}
