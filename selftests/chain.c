// SPDX-License-Identifier: GPL-2.0
/*
 * Frames through a chain of devices without a copy.
 *
 *	chain [OPTIONS] SOURCE [M2M...] SINK
 *
 * A link lies between two devices: the buffers that the first fills and the
 * second uses up. One of them allocates and exports (-d) and the other imports,
 * or both import what is neither's (-e). Buffer i is index i on both sides, or
 * with -r whatever index is free where it is imported, as GStreamer has it.
 * Links carry the raw format and JPEG by turns, so that the first
 * memory-to-memory device encodes, the next decodes.
 *
 * All that is checked here is that frames arrive: in number, in order, without
 * the error flag. What is in them is for the devices' own checksums. A frame
 * that a codec can not make anything of goes no further, and is waited for no
 * longer.
 */

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <linux/videodev2.h>

#include "foreign-mem.h"

#define MAX_NODES	6
#define MAX_BUFS	16
#define MAX_PLANES	2
#define TIMEOUT_S	60

/* A heap's block: what it gives up to this size is in one piece. */
#define HEAP_BLOCK	0x10000

/* Nothing happens, not even an error: not what ends other runs (1). */
#define EXIT_STUCK	4
/* The exporter does not give such memory. */
#define EXIT_NO_MEMORY	5

static struct {
	unsigned int frames, buffers, width, height;
	unsigned int raw, last_raw;
	const char *exporter;		/* NULL: one of the devices */
	enum foreign_layout layout;
	bool down, rotate, lost_is_bad, interfere;
} opt = {
	.frames = 60, .buffers = 4, .width = 320, .height = 240,
	.raw = V4L2_PIX_FMT_YUYV,
};

/* One queue of a node. */
struct side {
	const char	*name;
	int		fd;
	bool		mplane;
	unsigned int	type;
	unsigned int	memory;
	unsigned int	planes;
	bool		idle[MAX_BUFS];	/* the index is not queued */
	unsigned int	buf[MAX_BUFS];	/* what is queued there */
	unsigned int	turn;		/* -r: where the last one went */
};

struct link {
	struct side	from, to;
	unsigned int	count;
	int		fd[MAX_BUFS][MAX_PLANES];
	unsigned int	used[MAX_BUFS][MAX_PLANES];
	unsigned int	size;		/* that both agree on, of one plane */
	unsigned int	length[MAX_PLANES];
	unsigned int	frames;		/* handed from one to the other */
	unsigned int	done;		/* used up */
	unsigned int	errors;
};

static struct link links[MAX_NODES - 1];
static unsigned int nr_links;
static unsigned int lost, disorder;
static unsigned int broken;	/* frames that ended in a codec */

static int call(struct side *side, unsigned long request, void *arg,
		const char *what)
{
	int ret = ioctl(side->fd, request, arg);

	if (ret && errno != EAGAIN)
		err(1, "%s: %s", side->name, what);

	return ret;
}

#define CALL(side, request, arg)	call(side, request, arg, #request)

static unsigned int link_fourcc(unsigned int i)
{
	if (i % 2)
		return V4L2_PIX_FMT_JPEG;

	return i && opt.last_raw ? opt.last_raw : opt.raw;
}

/* Asks for strides and sizes of at least *@stride and *@size, takes them back. */
static void set_format(struct side *side, unsigned int fourcc,
		       unsigned int *stride, unsigned int *size)
{
	struct v4l2_format f = { .type = side->type };

	if (side->mplane) {
		f.fmt.pix_mp.width = opt.width;
		f.fmt.pix_mp.height = opt.height;
		f.fmt.pix_mp.pixelformat = fourcc;
		f.fmt.pix_mp.plane_fmt[0].bytesperline = *stride;
		f.fmt.pix_mp.plane_fmt[0].sizeimage = *size;
	} else {
		f.fmt.pix.width = opt.width;
		f.fmt.pix.height = opt.height;
		f.fmt.pix.pixelformat = fourcc;
		f.fmt.pix.bytesperline = *stride;
		f.fmt.pix.sizeimage = *size;
	}
	CALL(side, VIDIOC_S_FMT, &f);

	side->planes = side->mplane ? f.fmt.pix_mp.num_planes : 1;
	*stride = side->mplane ? f.fmt.pix_mp.plane_fmt[0].bytesperline :
				 f.fmt.pix.bytesperline;
	*size = side->mplane ? f.fmt.pix_mp.plane_fmt[0].sizeimage :
			       f.fmt.pix.sizeimage;
	if ((side->mplane ? f.fmt.pix_mp.width : f.fmt.pix.width) !=
								opt.width ||
	    (side->mplane ? f.fmt.pix_mp.height : f.fmt.pix.height) !=
								opt.height ||
	    (side->mplane ? f.fmt.pix_mp.pixelformat :
			    f.fmt.pix.pixelformat) != fourcc)
		errx(1, "%s: it does not take this format", side->name);
}

/* Both ends of a link, upstream first, agree on what a frame looks like. */
static void link_format(struct link *link, unsigned int fourcc)
{
	unsigned int stride[2] = {}, size[2] = {};

	set_format(&link->from, fourcc, &stride[0], &size[0]);
	stride[1] = stride[0];
	size[1] = size[0];
	set_format(&link->to, fourcc, &stride[1], &size[1]);
	if (stride[0] != stride[1]) {
		stride[0] = stride[1];
		size[0] = size[1];
		set_format(&link->from, fourcc, &stride[0], &size[0]);
	}
	if (stride[0] != stride[1] || link->from.planes != link->to.planes)
		errx(1, "%s and %s can not agree on a format",
		     link->from.name, link->to.name);
	link->size = size[0] > size[1] ? size[0] : size[1];
}

static void fill(struct side *side, struct v4l2_buffer *buf,
		 struct v4l2_plane *planes, unsigned int index)
{
	memset(buf, 0, sizeof(*buf));
	memset(planes, 0, MAX_PLANES * sizeof(*planes));
	buf->type = side->type;
	buf->memory = side->memory;
	buf->index = index;
	if (side->mplane) {
		buf->m.planes = planes;
		buf->length = side->planes;
	}
}

static unsigned int request(struct side *side, unsigned int memory,
			    unsigned int count)
{
	struct v4l2_requestbuffers req = {
		.type = side->type, .memory = memory, .count = count,
	};

	CALL(side, VIDIOC_REQBUFS, &req);
	if (req.count > MAX_BUFS)
		errx(1, "%s: wants %u buffers", side->name, req.count);
	side->memory = memory;
	memset(side->idle, true, sizeof(side->idle));

	return req.count;
}

static void foreign_buffers(struct link *link)
{
	unsigned int i, size = link->size;

	if (link->from.planes != 1)
		errx(1, "%s: foreign memory is for one plane", link->from.name);
	if (opt.layout == FOREIGN_CONTIGUOUS && !strncmp(opt.exporter, "heap:", 5))
		size = (size + HEAP_BLOCK - 1) / HEAP_BLOCK * HEAP_BLOCK;
	link->count = opt.buffers;
	for (i = 0; i < link->count; i++) {
		struct foreign_mem mem;

		if (foreign_mem_alloc(&mem, opt.exporter, size, opt.layout))
			exit(EXIT_NO_MEMORY);
		link->fd[i][0] = mem.fd;
		link->length[0] = mem.size;
	}
	if (request(&link->from, V4L2_MEMORY_DMABUF, link->count) !=
								link->count ||
	    request(&link->to, V4L2_MEMORY_DMABUF, link->count) != link->count)
		errx(1, "%s, %s: another number of buffers", link->from.name,
		     link->to.name);
}

static void own_buffers(struct link *link)
{
	struct side *exporter = opt.down ? &link->to : &link->from;
	struct side *importer = opt.down ? &link->from : &link->to;
	struct v4l2_plane planes[MAX_PLANES];
	struct v4l2_buffer buf;
	unsigned int i, p;

	link->count = request(exporter, V4L2_MEMORY_MMAP, opt.buffers);
	for (i = 0; i < link->count; i++) {
		fill(exporter, &buf, planes, i);
		CALL(exporter, VIDIOC_QUERYBUF, &buf);
		for (p = 0; p < exporter->planes; p++) {
			struct v4l2_exportbuffer exp = {
				.type = exporter->type, .index = i, .plane = p,
				.flags = O_RDWR | O_CLOEXEC,
			};

			CALL(exporter, VIDIOC_EXPBUF, &exp);
			link->fd[i][p] = exp.fd;
			link->length[p] = exporter->mplane ? planes[p].length :
							     buf.length;
		}
	}
	if (request(importer, V4L2_MEMORY_DMABUF, link->count) != link->count)
		errx(1, "%s: another number of buffers", importer->name);
}

/* The index by which @side gets buffer @i. */
static unsigned int take_index(const struct link *link, struct side *side,
			       unsigned int i)
{
	unsigned int n, index;

	if (!opt.rotate || side->memory == V4L2_MEMORY_MMAP)
		return i;

	/* Out of step once in a round, so that they meet other buffers. */
	side->turn += side->turn % link->count ? 1 : 2;
	for (n = 0; n < link->count; n++) {
		index = (side->turn + n) % link->count;
		if (side->idle[index])
			return index;
	}
	errx(1, "%s: no index is free", side->name);
}

static void queue(struct link *link, struct side *side, unsigned int i)
{
	struct v4l2_plane planes[MAX_PLANES];
	unsigned int index = take_index(link, side, i), p;
	bool output = side == &link->to;
	struct v4l2_buffer buf;

	fill(side, &buf, planes, index);
	buf.field = V4L2_FIELD_NONE;
	for (p = 0; p < side->planes; p++) {
		unsigned int used = output ? link->used[i][p] : 0;

		if (side->mplane) {
			planes[p].m.fd = link->fd[i][p];
			planes[p].bytesused = used;
			planes[p].length = link->length[p];
		} else {
			if (side->memory == V4L2_MEMORY_DMABUF)
				buf.m.fd = link->fd[i][p];
			buf.bytesused = used;
			buf.length = link->length[p];
		}
	}
	CALL(side, VIDIOC_QBUF, &buf);
	side->idle[index] = false;
	side->buf[index] = i;
}

/* False if there is none yet; *@i is the buffer. */
static bool dequeue(struct link *link, struct side *side, unsigned int *i,
		    struct v4l2_buffer *buf)
{
	struct v4l2_plane planes[MAX_PLANES];
	unsigned int p;

	fill(side, buf, planes, 0);
	if (CALL(side, VIDIOC_DQBUF, buf))
		return false;

	*i = side->buf[buf->index];
	side->idle[buf->index] = true;
	if (side == &link->from)
		for (p = 0; p < side->planes; p++)
			link->used[*i][p] = side->mplane ? planes[p].bytesused :
							   buf->bytesused;

	return true;
}

static void count_frame(struct link *link, const struct v4l2_buffer *buf)
{
	static unsigned int next;

	if (link == links) {
		if (buf->sequence < next)
			disorder++;
		else
			lost += buf->sequence - next;
		next = buf->sequence + 1;
	}
	link->frames++;
}

static bool link_turn(struct link *link)
{
	struct v4l2_buffer buf;
	bool moved = false;
	unsigned int i;

	while (dequeue(link, &link->from, &i, &buf)) {
		moved = true;
		if (buf.flags & V4L2_BUF_FLAG_ERROR) {
			if (++link->errors > opt.frames)
				errx(1, "%s: more errors than frames",
				     link->from.name);
			broken += link != links;
			queue(link, &link->from, i);
			continue;
		}
		if (link == links && link->frames == opt.frames)
			continue;
		count_frame(link, &buf);
		queue(link, &link->to, i);
	}
	while (dequeue(link, &link->to, &i, &buf)) {
		moved = true;
		link->done++;
		if (buf.flags & V4L2_BUF_FLAG_ERROR)
			link->errors++;
		queue(link, &link->from, i);
	}

	return moved;
}

/* Whoever imports gets its buffers before anything flows. */
static void stream(bool on)
{
	unsigned int i, k;

	for (i = 0; i < nr_links; i++) {
		for (k = 0; on && k < links[i].count; k++)
			queue(&links[i], &links[i].from, k);
		CALL(&links[i].from, on ? VIDIOC_STREAMON : VIDIOC_STREAMOFF,
		     &links[i].from.type);
		CALL(&links[i].to, on ? VIDIOC_STREAMON : VIDIOC_STREAMOFF,
		     &links[i].to.type);
	}
}

static unsigned int poll_fds(struct pollfd *pfd)
{
	unsigned int i, n = 0;

	for (i = 0; i < nr_links; i++) {
		if (!i)
			pfd[n++].fd = links[i].from.fd;
		pfd[n++].fd = links[i].to.fd;
	}
	for (i = 0; i < n; i++)
		pfd[i].events = POLLIN | POLLOUT;

	return n;
}

/* All of them have been used up; a sink may keep the one that it shows. */
static bool arrived(void)
{
	return links[nr_links - 1].done + broken + 1 >= opt.frames &&
	       links[nr_links - 1].frames + broken >= opt.frames;
}

static unsigned int side_type(bool mplane, bool output)
{
	if (mplane)
		return output ? V4L2_BUF_TYPE_VIDEO_OUTPUT_MPLANE :
				V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE;

	return output ? V4L2_BUF_TYPE_VIDEO_OUTPUT :
			V4L2_BUF_TYPE_VIDEO_CAPTURE;
}

/*
 * The camera as fast as it can; the display, which scans out again and again,
 * like most are. What stands between has no rate.
 */
static void set_rates(struct side *camera, struct side *display)
{
	struct v4l2_streamparm parm = { .type = camera->type };

	parm.parm.capture.timeperframe = (struct v4l2_fract) { 1, 1000 };
	CALL(camera, VIDIOC_S_PARM, &parm);

	parm = (struct v4l2_streamparm) { .type = display->type };
	parm.parm.output.timeperframe = (struct v4l2_fract) { 1, 60 };
	CALL(display, VIDIOC_S_PARM, &parm);
}

static void open_nodes(char **names, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++) {
		struct side side = { .name = names[i] };
		struct v4l2_capability cap;

		side.fd = open(names[i], O_RDWR | O_NONBLOCK | O_CLOEXEC);
		if (side.fd < 0)
			err(1, "%s", names[i]);
		CALL(&side, VIDIOC_QUERYCAP, &cap);
		side.mplane = cap.device_caps &
			      (V4L2_CAP_VIDEO_CAPTURE_MPLANE |
			       V4L2_CAP_VIDEO_OUTPUT_MPLANE |
			       V4L2_CAP_VIDEO_M2M_MPLANE);
		if (i) {
			side.type = side_type(side.mplane, true);
			links[i - 1].to = side;
		}
		if (i < count - 1) {
			side.type = side_type(side.mplane, false);
			links[i].from = side;
		}
	}
	nr_links = count - 1;
	set_rates(&links[0].from, &links[nr_links - 1].to);
}

static void usage(void)
{
	fprintf(stderr,
		"chain [OPTIONS] SOURCE [M2M...] SINK\n"
		"  -n FRAMES        number of frames (60)\n"
		"  -b BUFFERS       buffers of each link (4)\n"
		"  -s WIDTHxHEIGHT  frame size (320x240)\n"
		"  -f FOURCC        raw format (YUYV)\n"
		"  -g FOURCC        raw format after the codec (as -f)\n"
		"  -d               the downstream device exports\n"
		"  -e EXPORTER      none does: " FOREIGN_EXPORTERS "\n"
		"  -c               which gives memory in one piece\n"
		"  -r               indexes rotate where buffers are imported\n"
		"  -l               a lost frame is a failure\n"
		"  -x               another process takes the buffers away\n");
	exit(2);
}

static unsigned int fourcc(const char *s)
{
	if (strlen(s) != 4)
		usage();

	return v4l2_fourcc(s[0], s[1], s[2], s[3]);
}

static void parse(int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "n:b:s:f:g:de:crlx")) != -1) {
		switch (c) {
		case 'n':
			opt.frames = atoi(optarg);
			break;
		case 'b':
			opt.buffers = atoi(optarg);
			break;
		case 's':
			if (sscanf(optarg, "%ux%u", &opt.width,
				   &opt.height) != 2)
				usage();
			break;
		case 'f':
			opt.raw = fourcc(optarg);
			break;
		case 'g':
			opt.last_raw = fourcc(optarg);
			break;
		case 'd':
			opt.down = true;
			break;
		case 'e':
			opt.exporter = optarg;
			break;
		case 'c':
			opt.layout = FOREIGN_CONTIGUOUS;
			break;
		case 'r':
			opt.rotate = true;
			break;
		case 'l':
			opt.lost_is_bad = true;
			break;
		case 'x':
			opt.interfere = true;
			break;
		default:
			usage();
		}
	}
	if (argc - optind < 2 || argc - optind > MAX_NODES)
		usage();
	if (opt.buffers > MAX_BUFS || (opt.exporter && opt.down))
		usage();
}

/* A queue that is all empty for the moment answers poll() with an error. */
static void wait_for_any(struct pollfd *pfd, unsigned int n)
{
	unsigned int i;

	if (poll(pfd, n, 100) < 0)
		err(1, "poll");
	for (i = 0; i < n; i++)
		if (pfd[i].revents & POLLERR) {
			usleep(2000);
			return;
		}
}

/* @begun: where to write a byte when the first frame has arrived, or -1 */
static void run(int begun)
{
	struct pollfd pfd[MAX_NODES];
	unsigned int i, n = poll_fds(pfd);
	time_t last = time(NULL);

	while (!arrived()) {
		bool moved = false;

		for (i = 0; i < nr_links; i++)
			moved |= link_turn(&links[i]);
		if (begun >= 0 && links[nr_links - 1].frames) {
			if (write(begun, "", 1) != 1)
				err(1, "write");
			begun = -1;
		}
		if (moved) {
			last = time(NULL);
			continue;
		}
		if (time(NULL) - last > TIMEOUT_S)
			errx(EXIT_STUCK, "nothing moves: %u of %u frames arrived",
			     links[nr_links - 1].frames, opt.frames);
		wait_for_any(pfd, n);
	}
	/* Time to use up the last one, for a sink that does not keep it. */
	for (i = 0; i < 10 && links[nr_links - 1].done < opt.frames; i++) {
		usleep(10000);
		link_turn(&links[nr_links - 1]);
	}
}

/* Buffers in use stay; those of a queue that has stopped can go. */
static void take_buffers(struct side *side)
{
	struct v4l2_requestbuffers req = {
		.type = side->type, .memory = side->memory,
	};

	if (!ioctl(side->fd, VIDIOC_REQBUFS, &req) || errno != EBUSY)
		errx(3, "%s: REQBUFS(0) while it streams: %m", side->name);
	CALL(side, VIDIOC_STREAMOFF, &side->type);
	CALL(side, VIDIOC_REQBUFS, &req);
}

/* The child streams; the parent has the same open files, and other plans. */
static void interfere(void)
{
	int status, begun[2];
	unsigned int i;
	char byte;
	pid_t pid;

	if (pipe(begun))
		err(3, "pipe");
	pid = fork();
	if (pid < 0)
		err(3, "fork");
	if (!pid) {
		run(begun[1]);
		exit(0);
	}
	close(begun[1]);
	if (read(begun[0], &byte, 1) != 1)
		errx(3, "who streams ended by itself");
	for (i = 0; i < nr_links; i++) {
		take_buffers(&links[i].from);
		take_buffers(&links[i].to);
	}
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status) ||
	    WEXITSTATUS(status) != 1)
		errx(3, "who streams was not told: %#x", status);
	exit(0);
}

int main(int argc, char **argv)
{
	unsigned int i, errors = 0;

	parse(argc, argv);
	open_nodes(argv + optind, argc - optind);
	for (i = 0; i < nr_links; i++) {
		link_format(&links[i], link_fourcc(i));
		if (opt.exporter)
			foreign_buffers(&links[i]);
		else
			own_buffers(&links[i]);
	}
	stream(true);
	if (opt.interfere)
		interfere();
	run(-1);
	stream(false);

	for (i = 0; i < nr_links; i++)
		errors += links[i].errors;
	printf("frames %u errors %u lost %u disorder %u\n",
	       links[nr_links - 1].frames, errors, lost, disorder);

	return links[nr_links - 1].frames != opt.frames || errors ||
	       disorder || (opt.lost_is_bad && lost);
}
