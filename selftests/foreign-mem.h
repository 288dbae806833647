/* SPDX-License-Identifier: GPL-2.0 */
/*
 * dma-bufs that no V4L2 driver made: of a dma-heap, or of udmabuf.
 *
 * Whether a device can use one depends on where its pages are, which the
 * exporter does not tell; /proc/self/pagemap (of udmabuf's memfd) and the
 * tracepoint mm_page_alloc (of a heap) do. So the caller says which layout it
 * wants. Buffers of another one are put aside until the wanted one is there, and
 * the outcome is the same each time.
 */
#ifndef VBM_SELFTESTS_FOREIGN_MEM_H
#define VBM_SELFTESTS_FOREIGN_MEM_H

#include <stddef.h>

enum foreign_layout { FOREIGN_ANY, FOREIGN_CONTIGUOUS, FOREIGN_SCATTERED };

enum foreign_result {
	FOREIGN_OK,
	FOREIGN_FAILED,
	FOREIGN_NO_EXPORTER,	/* this kernel does not have it */
	FOREIGN_NO_LAYOUT,	/* it did not give the wanted one */
};

struct foreign_mem {
	int fd;
	size_t size;
	unsigned int extents;	/* runs of neighbouring pages; 0: not looked at */
};

/* For usage(). */
#define FOREIGN_EXPORTERS	\
	"heap:NAME, udmabuf, udmabuf-shuffled, udmabuf-huge"

/*
 * A buffer of at least @size bytes, zeroed. What an exporter is: heap:NAME is
 * that dma-heap; udmabuf, pages of a memfd, neighbours as far as they can be
 * found; udmabuf-shuffled, no two of them in order; udmabuf-huge, one huge page.
 * Says on stderr what went wrong.
 */
enum foreign_result foreign_mem_alloc(struct foreign_mem *mem,
				      const char *exporter, size_t size,
				      enum foreign_layout want);

#endif
