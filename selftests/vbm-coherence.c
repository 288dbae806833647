// SPDX-License-Identifier: GPL-2.0
/*
 * Every order of accesses to one buffer, by devices that see copies of it and
 * by the CPU in every way there is, against a model.
 *
 * Who accesses it:
 *
 *   own      the queue's device, a step at a time (modules/vbm-step)
 *   import   the device of another queue that has it as a dma-buf
 *   peer     an importer that is not ours, mapped for as long as it likes
 *            (modules/vbm-peer)
 *   CPU      by mmap() of the queue, of which the kernel is told nothing; by
 *            mmap() of the dma-buf and by vmap, within DMA_BUF_IOCTL_SYNC; and
 *            as the drivers of both queues do, by vb2_plane_vaddr()
 *
 * The model knows nothing of bounce buffers or syncs. It is one array of bytes:
 * who reads gets what was written last, by whomever. With swiotlb=force, where
 * each device has a copy of its own, that is all that cache maintenance is for.
 *
 * It holds for programs that keep to the rules of the API. What breaks one of
 * RULES below is a race, and not generated. Each rule has a control: without it
 * bytes must differ. So none is there for nothing, and the comparison can fail.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ksft.h"
#include "v4l2.h"
#include "peer.h"
#include "step.h"

/*
 * A device has the buffer: from QBUF to its end nobody else writes to it, nor
 * reads if the device writes.
 */
#define RULE_DEVICE	0x01
/* The queue's own device, if it captures, fills the buffer that it has. */
#define RULE_WHOLE	0x02
/*
 * What the peer has written is there when it unmaps, or when the CPU says that
 * it begins an access. Nobody else touches the buffer before.
 */
#define RULE_FETCH	0x04
/*
 * The CPU has written, and told nobody, while the peer has it mapped: until it
 * tells (an access by DMA_BUF_IOCTL_SYNC, begun before) or queues the buffer,
 * the peer does no access; and if it maps to write, neither does it unmap, nor
 * does the CPU begin an access: that would fetch what the peer has.
 */
#define RULE_TELL	0x08
/*
 * The driver of an import that has asked for a kernel address has CPU access
 * until the import is detached: the peer does not write.
 */
#define RULE_HELD	0x10

#define SIZE		8192
#define PART		200
#define UNMAPPED	(-1)

enum op {
	OWN_BEGIN, OWN_DMA, OWN_DONE, OWN_VREAD, OWN_VWRITE,
	IMPORT_BEGIN, IMPORT_DMA, IMPORT_DONE, IMPORT_STOP, IMPORT_ROTATE,
	IMPORT_RELEASE, IMPORT_VREAD, IMPORT_VWRITE,
	PEER_MAP_RW, PEER_MAP_R, PEER_MAP_W, PEER_UNMAP, PEER_READ, PEER_WRITE,
	MMAP_READ, MMAP_WRITE, SYNC_READ, SYNC_WRITE, SYNC_NOTHING,
	SYNC_END,
	VMAP_READ, VMAP_WRITE,
	NR_OPS
};

static const char * const op_names[NR_OPS] = {
	"own-begin", "own-dma", "own-done", "own-vaddr-read",
	"own-vaddr-write",
	"import-begin", "import-dma", "import-done", "import-streamoff",
	"import-rotate", "import-release", "import-vaddr-read",
	"import-vaddr-write",
	"peer-map-rw", "peer-map-r", "peer-map-w", "peer-unmap", "peer-read",
	"peer-write",
	"mmap-read", "mmap-write", "sync-read", "sync-write", "sync-nothing",
	"sync-end", "vmap-read", "vmap-write",
};

/* What is tested. */
struct scene {
	bool sg;
	bool non_coherent;
	bool own_output;
	bool import_output;
};

/*
 * The model, but for its bytes
 */

struct model {
	const struct scene *scene;
	bool own_has, own_filled;
	bool import_has, import_attached, import_vaddr;
	int peer_dir;
	bool peer_wrote;
	bool untold;
};

static bool device_writes(const struct model *m)
{
	return (m->own_has && !m->scene->own_output) ||
	       (m->import_has && !m->scene->import_output);
}

static bool device_has(const struct model *m)
{
	return m->own_has || m->import_has;
}

static bool peer_writes(const struct model *m)
{
	return m->peer_dir == VBM_PEER_BIDIR ||
	       m->peer_dir == VBM_PEER_FROM_DEVICE;
}

static bool peer_reads(const struct model *m)
{
	return m->peer_dir == VBM_PEER_BIDIR ||
	       m->peer_dir == VBM_PEER_TO_DEVICE;
}

/* Is there such a thing to be done? */
static bool can(const struct model *m, enum op op)
{
	switch (op) {
	case OWN_BEGIN:
		return !m->own_has;
	case OWN_DMA:
	case OWN_DONE:
		return m->own_has;
	case IMPORT_BEGIN:
		return !m->import_has;
	case IMPORT_DMA:
	case IMPORT_DONE:
	case IMPORT_STOP:
		return m->import_has;
	case IMPORT_ROTATE:
	case IMPORT_RELEASE:
		return m->import_attached && !m->import_has;
	case IMPORT_VREAD:
	case IMPORT_VWRITE:
		return m->import_attached;
	case PEER_MAP_RW:
	case PEER_MAP_R:
	case PEER_MAP_W:
		return m->peer_dir == UNMAPPED;
	case PEER_UNMAP:
		return m->peer_dir != UNMAPPED;
	case PEER_READ:
		return peer_reads(m);
	case PEER_WRITE:
		return peer_writes(m);
	default:
		return true;
	}
}

static unsigned int rule(bool broken, unsigned int which)
{
	return broken ? which : 0;
}

/* The CPU says that it begins: what the peer has is fetched. */
static unsigned int breaks_by_asking(const struct model *m)
{
	return rule(m->untold && peer_writes(m), RULE_TELL);
}

static unsigned int breaks_by_queueing(const struct model *m, bool writes)
{
	return rule(m->peer_wrote, RULE_FETCH) |
	       rule(device_writes(m) || (writes && device_has(m)),
		    RULE_DEVICE);
}

/* The rules that it breaks. */
static unsigned int breaks(const struct model *m, enum op op)
{
	unsigned int read = rule(device_writes(m), RULE_DEVICE);
	unsigned int write = rule(device_has(m), RULE_DEVICE);
	unsigned int untold = rule(m->untold, RULE_TELL);
	unsigned int unfetched = rule(m->peer_wrote, RULE_FETCH);

	switch (op) {
	case OWN_BEGIN:
		return breaks_by_queueing(m, !m->scene->own_output);
	case OWN_DONE:
		return rule(!m->scene->own_output && !m->own_filled,
			    RULE_WHOLE);
	case IMPORT_BEGIN:
		return breaks_by_queueing(m, !m->scene->import_output);
	case PEER_UNMAP:
		return breaks_by_asking(m);
	case PEER_READ:
		return read | untold;
	case PEER_WRITE:
		return write | untold | rule(m->import_vaddr, RULE_HELD);
	case MMAP_READ:
	case OWN_VREAD:
		return read | unfetched;
	case MMAP_WRITE:
	case OWN_VWRITE:
		return write | unfetched;
	case IMPORT_VREAD:
		/* It asks, once. */
		return read | (m->import_vaddr ? unfetched :
						 breaks_by_asking(m));
	case IMPORT_VWRITE:
		return write | (m->import_vaddr ? unfetched :
						  breaks_by_asking(m));
	case SYNC_READ:
	case VMAP_READ:
		return read | breaks_by_asking(m);
	case SYNC_WRITE:
	case VMAP_WRITE:
		return write | breaks_by_asking(m);
	case SYNC_NOTHING:
		return breaks_by_asking(m);
	case SYNC_END:
		return unfetched;
	default:
		return 0;
	}
}

static void after(struct model *m, enum op op)
{
	bool mapped = m->peer_dir != UNMAPPED;

	switch (op) {
	case OWN_BEGIN:
		m->own_has = true;
		m->own_filled = false;
		m->untold = false;
		break;
	case OWN_DMA:
		m->own_filled = true;
		break;
	case OWN_DONE:
		m->own_has = false;
		break;
	case IMPORT_BEGIN:
		m->import_has = true;
		m->import_attached = true;
		m->untold = false;
		break;
	case IMPORT_DONE:
	case IMPORT_STOP:
		m->import_has = false;
		break;
	case IMPORT_ROTATE:
	case IMPORT_RELEASE:
		m->import_attached = false;
		/* The driver's access ends, which tells. */
		if (m->import_vaddr)
			m->untold = false;
		m->import_vaddr = false;
		break;
	case PEER_MAP_RW:
		m->peer_dir = VBM_PEER_BIDIR;
		break;
	case PEER_MAP_R:
		m->peer_dir = VBM_PEER_TO_DEVICE;
		break;
	case PEER_MAP_W:
		m->peer_dir = VBM_PEER_FROM_DEVICE;
		break;
	case PEER_UNMAP:
		m->peer_dir = UNMAPPED;
		m->peer_wrote = false;
		m->untold = false;
		break;
	case PEER_WRITE:
		m->peer_wrote = true;
		break;
	case MMAP_WRITE:
	case OWN_VWRITE:
		m->untold = mapped;
		break;
	case IMPORT_VREAD:
		m->import_vaddr = true;
		m->peer_wrote = false;
		break;
	case IMPORT_VWRITE:
		m->import_vaddr = true;
		m->peer_wrote = false;
		m->untold = mapped;
		break;
	case SYNC_READ:
	case VMAP_READ:
		m->peer_wrote = false;
		break;
	case SYNC_WRITE:
	case VMAP_WRITE:
	case SYNC_NOTHING:
		m->peer_wrote = false;
		m->untold = false;
		break;
	case SYNC_END:
		m->untold = false;
		break;
	default:
		break;
	}
}

/*
 * The buffer, and who accesses it
 */

struct world {
	const struct scene *scene;
	int own, import, peer, vmapper;
	int fd, spare;			/* the buffer, and another one */
	char *mmap, *sync;
	int map;			/* the peer's */
	struct model model;
	char bytes[SIZE];		/* what was written last */
	char got[SIZE];
	unsigned int version;
	unsigned int exempt;		/* rules that need not be kept */
	bool wrong;
	unsigned int nr;		/* done since it was begun anew */
	unsigned int total;
	unsigned char history[64];
};

static void world_make(struct world *w, const struct scene *scene)
{
	struct vbm_step_config own = {
		.sg = scene->sg, .output = scene->own_output, .planes = 1,
		.size = SIZE, .like = -1,
	};
	struct vbm_step_config import = {
		.sg = scene->sg, .output = scene->import_output, .planes = 1,
		.size = SIZE, .like = -1,
	};

	w->scene = scene;
	w->own = step_open(&own);
	if (scene->non_coherent)
		step_buffers_non_coherent(w->own, 2);
	else
		step_buffers(w->own, 2);
	w->fd = step_export(w->own, 0, 0);
	w->spare = step_export(w->own, 1, 0);
	w->mmap = step_mmap(w->own, 0, 0, SIZE);
	w->sync = dmabuf_mmap(w->fd, SIZE);
	w->import = step_open(&import);
	step_imports(w->import, 1);
	w->peer = peer_open(NULL);
	CHECK_OK(peer_attach(w->peer, w->fd));
	w->vmapper = peer_open(NULL);
	CHECK_OK(peer_attach(w->vmapper, w->fd));
	CHECK_OK(peer_vmap(w->vmapper, NULL));
	w->model.scene = scene;
	w->model.peer_dir = UNMAPPED;
}

/* What was done, as text. */
static const char *story(const struct world *w)
{
	static char text[2048];
	unsigned int i, max = sizeof(w->history), len = 0;

	i = w->nr > max ? w->nr - max : 0;
	for (; i < w->nr; i++)
		len += snprintf(text + len, sizeof(text) - len, " %s",
				op_names[w->history[i % max]]);
	return text;
}

static void compare(struct world *w, const char *bytes)
{
	unsigned int at;

	if (!memcmp(bytes, w->bytes, SIZE))
		return;
	w->wrong = true;
	if (w->exempt)
		return;
	for (at = 0; bytes[at] == w->bytes[at]; at++)
		;
	FAIL_BYTES("byte %u is 0x%02x, not 0x%02x, after%s", at,
		   (unsigned char)bytes[at], (unsigned char)w->bytes[at],
		   story(w));
}

/* New bytes, in part of the buffer or all of it: where, and how many. */
static size_t bytes_new(struct world *w, bool whole, size_t *offset)
{
	static const size_t places[] = {
		0, 1000, 4096 - PART / 2, 6000, SIZE - PART,
	};
	size_t length = whole ? SIZE : PART, i;
	unsigned int v = ++w->version;

	*offset = whole ? 0 : places[v % (sizeof(places) / sizeof(places[0]))];
	for (i = 0; i < length; i += sizeof(v))
		memcpy(w->bytes + *offset + i, &v, sizeof(v));
	return length;
}

static void sync_do(struct world *w, unsigned long long flags)
{
	CHECK_OK(dmabuf_sync(w->fd, flags));
}

static void dma(struct world *w, int step, bool output, bool whole)
{
	size_t offset, length;

	if (output) {
		CHECK_OK(step_read(step, 0, 0, 0, w->got, SIZE));
		compare(w, w->got);
		return;
	}
	length = bytes_new(w, whole, &offset);
	CHECK_OK(step_write(step, 0, 0, offset, w->bytes + offset, length));
}

static void driver_read(struct world *w, int step)
{
	CHECK_OK(step_vread(step, 0, 0, w->got, SIZE));
	compare(w, w->got);
}

static void driver_write(struct world *w, int step)
{
	size_t offset, length = bytes_new(w, false, &offset);

	CHECK_OK(step_vwrite(step, 0, offset, w->bytes + offset, length));
}

static void cpu_write(struct world *w, char *map, bool whole)
{
	size_t offset, length = bytes_new(w, whole, &offset);

	memcpy(map + offset, w->bytes + offset, length);
}

static void perform(struct world *w, enum op op)
{
	const struct scene *s = w->scene;
	size_t offset, length;

	switch (op) {
	case OWN_BEGIN:
		CHECK_OK(step_begin_fd(w->own, 0, -1));
		break;
	case OWN_DMA:
		dma(w, w->own, s->own_output, true);
		break;
	case OWN_DONE:
		CHECK_OK(step_done(w->own, 0));
		break;
	case OWN_VREAD:
		driver_read(w, w->own);
		break;
	case OWN_VWRITE:
		driver_write(w, w->own);
		break;
	case IMPORT_BEGIN:
		CHECK_OK(step_begin_fd(w->import, 0, w->fd));
		break;
	case IMPORT_DMA:
		dma(w, w->import, s->import_output, false);
		break;
	case IMPORT_DONE:
		CHECK_OK(step_done(w->import, 0));
		break;
	case IMPORT_STOP:
		CHECK_OK(step_stop(w->import));
		break;
	case IMPORT_ROTATE:
		CHECK_OK(step_begin_fd(w->import, 0, w->spare));
		CHECK_OK(step_done(w->import, 0));
		break;
	case IMPORT_RELEASE:
		step_imports(w->import, 1);
		break;
	case IMPORT_VREAD:
		driver_read(w, w->import);
		break;
	case IMPORT_VWRITE:
		driver_write(w, w->import);
		break;
	case PEER_MAP_RW:
		w->map = CHECK_OK(peer_map(w->peer, VBM_PEER_BIDIR, NULL));
		break;
	case PEER_MAP_R:
		w->map = CHECK_OK(peer_map(w->peer, VBM_PEER_TO_DEVICE, NULL));
		break;
	case PEER_MAP_W:
		w->map = CHECK_OK(peer_map(w->peer, VBM_PEER_FROM_DEVICE,
					   NULL));
		break;
	case PEER_UNMAP:
		CHECK_OK(peer_unmap(w->peer, w->map));
		break;
	case PEER_READ:
		CHECK_OK(peer_read(w->peer, w->map, 0, w->got, SIZE));
		compare(w, w->got);
		break;
	case PEER_WRITE:
		length = bytes_new(w, false, &offset);
		CHECK_OK(peer_write(w->peer, w->map, offset,
				    w->bytes + offset, length));
		break;
	case MMAP_READ:
		compare(w, w->mmap);
		break;
	case MMAP_WRITE:
		cpu_write(w, w->mmap, false);
		break;
	case SYNC_READ:
		sync_do(w, DMA_BUF_SYNC_START | DMA_BUF_SYNC_READ);
		compare(w, w->sync);
		sync_do(w, DMA_BUF_SYNC_END | DMA_BUF_SYNC_READ);
		break;
	case SYNC_WRITE:
		sync_do(w, DMA_BUF_SYNC_START | DMA_BUF_SYNC_WRITE);
		cpu_write(w, w->sync, false);
		sync_do(w, DMA_BUF_SYNC_END | DMA_BUF_SYNC_WRITE);
		break;
	case SYNC_NOTHING:
		sync_do(w, DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW);
		sync_do(w, DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW);
		break;
	case SYNC_END:
		/* Of an access that was not begun. */
		sync_do(w, DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW);
		break;
	case VMAP_READ:
		sync_do(w, DMA_BUF_SYNC_START | DMA_BUF_SYNC_READ);
		CHECK_OK(peer_vread(w->vmapper, 0, w->got, SIZE));
		compare(w, w->got);
		sync_do(w, DMA_BUF_SYNC_END | DMA_BUF_SYNC_READ);
		break;
	case VMAP_WRITE:
		sync_do(w, DMA_BUF_SYNC_START | DMA_BUF_SYNC_WRITE);
		length = bytes_new(w, false, &offset);
		CHECK_OK(peer_vwrite(w->vmapper, offset, w->bytes + offset,
				     length));
		sync_do(w, DMA_BUF_SYNC_END | DMA_BUF_SYNC_WRITE);
		break;
	case NR_OPS:
		break;
	}
	after(&w->model, op);
}

static void step(struct world *w, enum op op)
{
	w->history[w->nr++ % sizeof(w->history)] = op;
	w->total++;
	perform(w, op);
}

static bool is_allowed(const struct world *w, const struct model *m, enum op op)
{
	return can(m, op) && !(breaks(m, op) & ~w->exempt);
}

/* Devices give the buffer back, and everybody looks at it once more. */
static void world_rest(struct world *w)
{
	static const enum op looks[] = { PEER_READ, MMAP_READ, SYNC_READ };
	struct model *m = &w->model;
	unsigned int i;

	if (m->own_has && !m->scene->own_output && !m->own_filled)
		step(w, OWN_DMA);
	if (m->own_has)
		step(w, OWN_DONE);
	if (m->import_has)
		step(w, IMPORT_DONE);
	for (i = 0; i < sizeof(looks) / sizeof(looks[0]); i++)
		if (is_allowed(w, m, looks[i]))
			step(w, looks[i]);
}

/* From here on nothing of what was before matters. */
static void world_anew(struct world *w)
{
	struct model *m = &w->model;

	world_rest(w);
	if (m->peer_dir != UNMAPPED)
		perform(w, PEER_UNMAP);
	if (m->import_attached)
		perform(w, IMPORT_RELEASE);
	sync_do(w, DMA_BUF_SYNC_START | DMA_BUF_SYNC_WRITE);
	cpu_write(w, w->sync, true);
	sync_do(w, DMA_BUF_SYNC_END | DMA_BUF_SYNC_WRITE);
	w->nr = 0;
}

/*
 * Orders of accesses
 */

/* What comes before each of them: the import and the peer are there, or not. */
static const struct {
	unsigned int nr;
	enum op ops[4];
} beginnings[] = {
	{ 0 },
	{ 1, { PEER_MAP_RW } },
	{ 3, { IMPORT_BEGIN, IMPORT_DMA, IMPORT_DONE } },
	{ 4, { PEER_MAP_RW, IMPORT_BEGIN, IMPORT_DMA, IMPORT_DONE } },
};

struct sequence {
	unsigned int beginning;
	unsigned int nr;
	enum op ops[8];
};

static void sequence_run(struct world *w, const struct sequence *s)
{
	unsigned int i;

	world_anew(w);
	for (i = 0; i < beginnings[s->beginning].nr; i++)
		step(w, beginnings[s->beginning].ops[i]);
	for (i = 0; i < s->nr; i++)
		step(w, s->ops[i]);
}

/* Each that has so many more steps. */
static unsigned int sequences_from(struct world *w, const struct model *m,
				   struct sequence *s, unsigned int more)
{
	unsigned int nr = 0;
	struct model next;
	enum op op;

	if (!more) {
		sequence_run(w, s);
		return 1;
	}
	for (op = 0; op < NR_OPS && !w->wrong; op++) {
		if (!is_allowed(w, m, op))
			continue;
		next = *m;
		after(&next, op);
		s->ops[s->nr++] = op;
		nr += sequences_from(w, &next, s, more - 1);
		s->nr--;
	}
	return nr;
}

static unsigned int sequences(struct world *w, unsigned int depth)
{
	unsigned int i, k, nr = 0;
	struct sequence s = { 0 };

	for (i = 0; i < sizeof(beginnings) / sizeof(beginnings[0]); i++) {
		struct model m = {
			.scene = w->scene, .peer_dir = UNMAPPED,
		};

		for (k = 0; k < beginnings[i].nr; k++)
			after(&m, beginnings[i].ops[k]);
		s.beginning = i;
		nr += sequences_from(w, &m, &s, depth);
	}
	world_anew(w);
	return nr;
}

/* Any allowed step after any other, from where the last one led. */
static void walk(struct world *w, unsigned int steps)
{
	struct ksft_rand r = { .state = ksft_seed };
	enum op op;

	world_anew(w);
	while (w->nr < steps && !w->wrong) {
		op = ksft_rand(&r) % NR_OPS;
		if (is_allowed(w, &w->model, op))
			step(w, op);
	}
	if (!w->wrong)
		world_anew(w);
}

static void matrix(const struct scene *scene, unsigned int depth)
{
	static struct world w;
	unsigned int nr;

	world_make(&w, scene);
	nr = sequences(&w, depth);
	CHECK(nr > 500);
	walk(&w, 5000);
	ksft_say("%u sequences, %u steps", nr, w.total);
}

#define SG		.sg = true
#define NON_COHERENT	.non_coherent = true
#define CONTIG		.sg = false
#define OWN_READS	.own_output = true
#define IMPORT_READS	.import_output = true

#define MATRIX(name, depth, ...)					\
static void test_##name(const char *node)				\
{									\
	static const struct scene scene = { __VA_ARGS__ };		\
									\
	(void)node;							\
	matrix(&scene, depth);						\
}

MATRIX(sg_ww, 2, SG)
MATRIX(sg_wr, 3, SG, IMPORT_READS)
MATRIX(sg_rw, 3, SG, OWN_READS)
MATRIX(sg_rr, 2, SG, OWN_READS, IMPORT_READS)
MATRIX(nc_ww, 2, NON_COHERENT)
MATRIX(nc_wr, 2, NON_COHERENT, IMPORT_READS)
MATRIX(nc_rw, 2, NON_COHERENT, OWN_READS)
MATRIX(nc_rr, 2, NON_COHERENT, OWN_READS, IMPORT_READS)
MATRIX(contig_ww, 2, CONTIG)
MATRIX(contig_wr, 2, CONTIG, IMPORT_READS)
MATRIX(contig_rw, 2, CONTIG, OWN_READS)
MATRIX(contig_rr, 2, CONTIG, OWN_READS, IMPORT_READS)

/* Who breaks the rule finds other bytes, sooner or later. */
static void without(unsigned int which)
{
	static const struct scene scene = { .sg = true };
	static struct world w;

	w.exempt = which;
	world_make(&w, &scene);
	walk(&w, 100000);
	if (!w.wrong)
		FAIL("all bytes are right even so");
	ksft_say("after %u steps", w.total);
}

#define WITHOUT(name, rule)						\
static void test_without_##name(const char *node)			\
{									\
	(void)node;							\
	without(rule);							\
}

WITHOUT(device, RULE_DEVICE)
WITHOUT(whole, RULE_WHOLE)
WITHOUT(fetch, RULE_FETCH)
WITHOUT(tell, RULE_TELL)
WITHOUT(held, RULE_HELD)

#define ORDERS(text, fn)						\
	{ text, fn, 0, KSFT_NO_NODE | KSFT_SWIOTLB | KSFT_BY_BYTES,	\
	  .timeout = 300,						\
	  .stock = "some see what was there before" }
#define CONTROL(text, fn)						\
	{ "control: " text, fn, 0, KSFT_NO_NODE | KSFT_SWIOTLB | KSFT_OURS }

static const struct ksft_test tests[] = {
	ORDERS("dma-sg, captured, an import captures", test_sg_ww),
	ORDERS("dma-sg, captured, an import puts out", test_sg_wr),
	ORDERS("dma-sg, put out, an import captures", test_sg_rw),
	ORDERS("dma-sg, put out, an import does so, too", test_sg_rr),
	ORDERS("NON_COHERENT, captured, an import captures", test_nc_ww),
	ORDERS("NON_COHERENT, captured, an import puts out", test_nc_wr),
	ORDERS("NON_COHERENT, put out, an import captures", test_nc_rw),
	ORDERS("NON_COHERENT, put out, an import does so, too", test_nc_rr),
	ORDERS("dma-contig, captured, an import captures", test_contig_ww),
	ORDERS("dma-contig, captured, an import puts out", test_contig_wr),
	ORDERS("dma-contig, put out, an import captures", test_contig_rw),
	ORDERS("dma-contig, put out, an import does so, too", test_contig_rr),
	CONTROL("others use what a device has", test_without_device),
	CONTROL("a device does not fill its buffer", test_without_whole),
	CONTROL("a peer's bytes are not asked for", test_without_fetch),
	CONTROL("the CPU does not tell a peer", test_without_tell),
	CONTROL("a peer writes while a driver has access", test_without_held),
};

KSFT_MAIN(tests)
