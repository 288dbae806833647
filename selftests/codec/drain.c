// SPDX-License-Identifier: GPL-2.0
/*
 * The ends of a stream that who streams asks for: headers, changes of size,
 * seeks, and drains, at any moment. Prints TAP.
 *
 *	drain DECODER ENCODER COUNT FILE OTHER
 *
 * COUNT times each race; FILE is of 64x48, OTHER smaller.
 */

#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <time.h>

#include "check.h"

#define BUFS	2

static int command(struct node *n, bool decoder, bool stop)
{
	struct v4l2_encoder_cmd enc = {
		.cmd = stop ? V4L2_ENC_CMD_STOP : V4L2_ENC_CMD_START,
	};
	struct v4l2_decoder_cmd dec = {
		.cmd = stop ? V4L2_DEC_CMD_STOP : V4L2_DEC_CMD_START,
	};

	return decoder ? ioctl(n->fd, VIDIOC_DECODER_CMD, &dec) :
			 ioctl(n->fd, VIDIOC_ENCODER_CMD, &enc);
}

/* Nothing may come after the last buffer. */
static bool ended(struct node *n)
{
	return dequeue(n, CAP, NULL) < 0 && errno == EPIPE;
}

static void plain(const char *decoder, const u8 *data, size_t size)
{
	u8 garbage[512] = { 0 };
	struct node n;
	size_t used;
	int flags;

	/* A header is looked for before CAPTURE is set up. */
	node_open(&n, decoder);
	result(!subscribe(&n, V4L2_EVENT_SOURCE_CHANGE), "subscribe");
	result(!subscribe(&n, V4L2_EVENT_EOS), "subscribe to EOS");
	result(!set_fmt(&n, OUT, V4L2_PIX_FMT_JPEG, 64, 48, ROOM) &&
	       !buffer(&n, OUT, 1) && !on(&n, OUT, true), "OUTPUT streams");
	result(!queue(&n, OUT, garbage, sizeof(garbage)), "garbage is queued");
	flags = dequeue(&n, OUT, NULL);
	result(flags >= 0 && flags & V4L2_BUF_FLAG_ERROR,
	       "garbage is refused while there is no CAPTURE");
	result(!queue(&n, OUT, data, size), "a picture is queued");
	result(event(&n) == V4L2_EVENT_SOURCE_CHANGE, "source change");
	result(!cap_start(&n), "CAPTURE streams");
	flags = dequeue(&n, CAP, &used);
	result(flags >= 0 && !(flags & V4L2_BUF_FLAG_ERROR) && used,
	       "the picture is decoded");
	result(dequeue(&n, OUT, NULL) >= 0, "its OUTPUT comes back");

	/* Now garbage uses up a buffer. */
	result(!queue(&n, OUT, garbage, sizeof(garbage)) &&
	       !queue(&n, CAP, NULL, 0), "garbage is queued");
	flags = dequeue(&n, CAP, &used);
	result(flags >= 0 && flags & V4L2_BUF_FLAG_ERROR,
	       "garbage gives a frame with the error flag");
	result(dequeue(&n, OUT, NULL) >= 0, "its OUTPUT comes back");

	/* A drain with a picture in it. */
	result(!queue(&n, OUT, data, size) && !command(&n, true, true) &&
	       !queue(&n, CAP, NULL, 0), "STOP");
	flags = dequeue(&n, CAP, &used);
	result(flags >= 0 && flags & V4L2_BUF_FLAG_LAST && used,
	       "the last picture has the flag");
	result(event(&n) == V4L2_EVENT_EOS, "end of stream");
	result(ended(&n), "nothing comes after it");
	result(dequeue(&n, OUT, NULL) >= 0, "its OUTPUT comes back");

	/* And one without. */
	result(!command(&n, true, false) && !queue(&n, CAP, NULL, 0) &&
	       !command(&n, true, true), "START, STOP");
	flags = dequeue(&n, CAP, &used);
	result(flags >= 0 && flags & V4L2_BUF_FLAG_LAST && !used,
	       "an empty buffer has the flag");
	result(event(&n) == V4L2_EVENT_EOS, "end of stream again");
	node_close(&n);
}

/* Pictures for all buffers of OUTPUT. */
static bool encoder_queue(struct node *n, const struct picture *pic)
{
	unsigned int i;

	for (i = 0; i < BUFS; i++) {
		enc_fill(n, i, pic);
		if (queue_nth(n, OUT, i, n->map[OUT][i], n->len[OUT]))
			return false;
	}

	return true;
}

/* They have come back. */
static bool encoder_dequeue(struct node *n)
{
	unsigned int i;

	for (i = 0; i < BUFS; i++)
		if (dequeue(n, OUT, NULL) < 0)
			return false;

	return true;
}

static void encoder_plain(const char *encoder, const struct picture *pic)
{
	struct node n;
	size_t used;
	int flags, i;
	bool last;

	if (enc_open(&n, encoder, pic, BUFS) || subscribe(&n, V4L2_EVENT_EOS))
		err(1, "%s", encoder);
	result(encoder_queue(&n, pic), "encoder: pictures are queued");
	for (i = 0; i < BUFS; i++) {
		flags = dequeue(&n, CAP, &used);
		result(flags >= 0 && used &&
		       !(flags & (V4L2_BUF_FLAG_ERROR | V4L2_BUF_FLAG_LAST)),
		       "encoder: a picture is encoded");
	}
	result(encoder_dequeue(&n), "encoder: OUTPUT is back");

	/* There is no CAPTURE left: all of them wait. */
	result(encoder_queue(&n, pic) && !command(&n, false, true),
	       "encoder: STOP");
	for (i = 0; i < BUFS; i++) {
		last = i == BUFS - 1;
		flags = queue_nth(&n, CAP, i, NULL, 0) ? -1 :
			dequeue(&n, CAP, &used);
		result(flags >= 0 && !(flags & V4L2_BUF_FLAG_ERROR) && used &&
		       !!(flags & V4L2_BUF_FLAG_LAST) == last,
		       last ? "encoder: the last one has the flag" :
			      "encoder: the one before has none");
	}
	result(event(&n) == V4L2_EVENT_EOS, "encoder: end of stream");
	result(ended(&n), "encoder: nothing comes after it");
	result(encoder_dequeue(&n), "encoder: OUTPUT is back again");

	result(!command(&n, false, false) && !queue_nth(&n, CAP, 0, NULL, 0) &&
	       !command(&n, false, true), "encoder: START, STOP");
	flags = dequeue(&n, CAP, &used);
	result(flags >= 0 && flags & V4L2_BUF_FLAG_LAST && !used,
	       "encoder: an empty buffer has the flag");
	result(event(&n) == V4L2_EVENT_EOS, "encoder: end of stream again");
	result(ended(&n) && !command(&n, false, false) &&
	       !queue_nth(&n, CAP, 0, NULL, 0) &&
	       !queue(&n, OUT, n.map[OUT][0], n.len[OUT]),
	       "encoder: START again");
	flags = dequeue(&n, CAP, &used);
	result(flags >= 0 && !(flags & V4L2_BUF_FLAG_LAST) && used,
	       "encoder: it goes on");
	node_close(&n);
}

/* --- STOP against the end of a frame -------------------------------------- */

static long long now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);

	return t.tv_sec * 1000000000ll + t.tv_nsec;
}

/* A sleep would be longer than what is to be hit. */
static void spin(long long ns)
{
	long long end = now() + ns;

	while (now() < end)
		;
}

/**
 * struct race - a node that is stopped time and again
 * @n: the node; OUTPUT has the frame, and CAPTURE streams
 * @decoder: it is one
 * @size: bytes of the frame
 * @delay: nanoseconds before the STOP
 * @step: to change it by
 * @with: pictures that were the last buffer
 * @before: pictures after which came an empty one
 */
struct race {
	struct node	*n;
	bool		decoder;
	size_t		size;
	long long	delay;
	long long	step;
	unsigned int	with;
	unsigned int	before;
};

/* NULL, or what is wrong. */
static const char *race_round(struct race *race)
{
	unsigned int nths[BUFS], pictures = 0, i;
	struct node *n = race->n;
	bool last = false;
	int flags = 0;
	size_t used;

	if (queue(n, OUT, n->map[OUT][0], race->size))
		return "QBUF";
	spin(race->delay);
	if (command(n, race->decoder, true))
		return "STOP is refused";
	for (i = 0; i < BUFS && !last; i++) {
		flags = dequeue_nth(n, CAP, &nths[i], &used);
		if (flags < 0)
			return "the last buffer does not come";
		last = flags & V4L2_BUF_FLAG_LAST;
		if (flags & V4L2_BUF_FLAG_ERROR)
			return "the picture is refused";
		if (used)
			pictures++;
		else if (!last)
			return "an empty buffer";
	}
	if (!last)
		return "no buffer is the last one";
	if (!pictures)
		return "the picture is lost";
	if (!ended(n))
		return "something comes after the last buffer";
	if (event(n) != V4L2_EVENT_EOS)
		return "no end of stream";
	if (dequeue(n, OUT, NULL) < 0)
		return "OUTPUT does not come back";
	if (command(n, race->decoder, false))
		return "START is refused";

	/* The moment that matters is between these two. */
	if (used) {
		race->with++;
		race->delay += race->step;
	} else {
		race->before++;
		race->delay -= min(race->delay, race->step);
	}
	while (i--)
		if (queue_nth(n, CAP, nths[i], NULL, 0))
			return "QBUF of CAPTURE";

	return NULL;
}

static void race(struct race *race, unsigned int count)
{
	struct node *n = race->n;
	const char *why = NULL;
	long long start, took;
	unsigned int i;
	char text[200];

	/* How long does a frame take? */
	start = now();
	if (queue(n, OUT, n->map[OUT][0], race->size) ||
	    dequeue(n, CAP, NULL) < 0)
		err(1, "no frame");
	took = now() - start;
	if (dequeue(n, OUT, NULL) < 0 || queue(n, CAP, NULL, 0))
		err(1, "no OUTPUT");

	race->delay = took / 2;
	for (i = 0; i < count && !why; i++) {
		race->step = took / (8 + i * 5 % 32);
		why = race_round(race);
	}
	snprintf(text, sizeof(text),
		 "%s: STOP before the end of a frame %u times, after it %u times%s%s",
		 race->decoder ? "decoder" : "encoder", race->with,
		 race->before, why ? ", then " : "", why ?: "");
	result(!why, text);
	result(race->with && race->before, "it was both");
	node_close(n);
}

static void race_decoder(const char *decoder, unsigned int count,
			 const u8 *data, size_t size)
{
	struct node n;
	struct race r = { .n = &n, .decoder = true, .size = size };
	unsigned int i;

	node_open(&n, decoder);
	if (subscribe(&n, V4L2_EVENT_EOS) ||
	    set_fmt(&n, OUT, V4L2_PIX_FMT_JPEG, 64, 48, ROOM) ||
	    buffer(&n, OUT, 1) || on(&n, OUT, true) || buffer(&n, CAP, BUFS))
		err(1, "%s", decoder);
	for (i = 0; i < BUFS; i++)
		if (queue_nth(&n, CAP, i, NULL, 0))
			err(1, "%s", decoder);
	if (on(&n, CAP, true))
		err(1, "%s", decoder);
	memcpy(n.map[OUT][0], data, size);
	race(&r, count);
}

static void race_encoder(const char *encoder, unsigned int count,
			 const struct picture *pic)
{
	struct node n;
	struct race r = { .n = &n };

	if (enc_open(&n, encoder, pic, BUFS) || subscribe(&n, V4L2_EVENT_EOS))
		err(1, "%s", encoder);
	enc_fill(&n, 0, pic);
	r.size = n.len[OUT];
	race(&r, count);
}

/* --- STOP against a change of size ---------------------------------------- */

static int cap_bufs(struct node *n)
{
	unsigned int i;

	if (buffer(n, CAP, BUFS))
		return -1;
	for (i = 0; i < BUFS; i++)
		if (queue_nth(n, CAP, i, NULL, 0))
			return -1;

	return on(n, CAP, true);
}

/**
 * struct sample - a picture, in both forms
 * @data: the file
 * @size: its size
 * @pic: what it is decoded to
 */
struct sample {
	u8		*data;
	size_t		size;
	struct picture	pic;
};

/*
 * A picture of the size that there was, and one of another; STOP comes @delay
 * nanoseconds later, or, if that is negative, when the change has been told.
 */
static const char *change_round(struct node *n, const struct sample *same,
				const struct sample *other, long long delay)
{
	unsigned int nth;
	size_t used;
	int flags;

	if (queue_nth(n, OUT, 0, same->data, same->size) ||
	    queue_nth(n, OUT, 1, other->data, other->size))
		return "QBUF";
	if (delay >= 0) {
		spin(delay);
		if (command(n, true, true))
			return "STOP is refused";
	}
	flags = dequeue(n, CAP, &used);
	if (flags < 0 || flags & V4L2_BUF_FLAG_ERROR || !used)
		return "the first picture does not come";
	if (flags & V4L2_BUF_FLAG_LAST)
		return "the first picture has the flag";
	flags = dequeue(n, CAP, &used);
	if (flags < 0 || used || !(flags & V4L2_BUF_FLAG_LAST))
		return "no last buffer before the change";
	if (!ended(n))
		return "something comes after the last buffer";
	if (event(n) != V4L2_EVENT_SOURCE_CHANGE)
		return "no source change";
	if (delay < 0 && command(n, true, true))
		return "STOP is refused";

	if (on(n, CAP, false) || cap_bufs(n))
		return "CAPTURE can not be set up";
	flags = dequeue_nth(n, CAP, &nth, &used);
	if (flags < 0)
		return "the second picture does not come";
	if (flags & V4L2_BUF_FLAG_ERROR || !used)
		return "the second picture is lost";
	if (!check_frame(n, nth, &other->pic, used))
		return "the second picture is another one";
	if (!(flags & V4L2_BUF_FLAG_LAST))
		return "the second picture has no flag";
	if (event(n) != V4L2_EVENT_EOS)
		return "no end of stream";
	if (!ended(n))
		return "something comes after the end";
	if (dequeue(n, OUT, NULL) < 0 || dequeue(n, OUT, NULL) < 0)
		return "OUTPUT does not come back";
	if (command(n, true, false) || queue_nth(n, CAP, nth, NULL, 0))
		return "START is refused";

	return NULL;
}

static void change(const char *decoder, unsigned int count,
		   const struct sample samples[2])
{
	const char *why = NULL;
	long long took, start;
	unsigned int i;
	char text[200];
	struct node n;

	node_open(&n, decoder);
	if (subscribe(&n, V4L2_EVENT_EOS) ||
	    subscribe(&n, V4L2_EVENT_SOURCE_CHANGE) ||
	    set_fmt(&n, OUT, V4L2_PIX_FMT_JPEG, samples[0].pic.width,
		    samples[0].pic.height, ROOM) ||
	    set_fmt(&n, CAP, V4L2_PIX_FMT_NV12, 0, 0, 0) ||
	    buffer(&n, OUT, 2) || on(&n, OUT, true) || cap_bufs(&n))
		err(1, "%s", decoder);

	/* One that is not raced, and says how long it takes. */
	start = now();
	why = change_round(&n, &samples[0], &samples[1], -1);
	took = now() - start;
	for (i = 1; i < count && !why; i++)
		why = change_round(&n, &samples[i & 1], &samples[~i & 1],
				   i % 5 ? took * i / count / 2 : -1);
	snprintf(text, sizeof(text), "%u times STOP at another size%s%s",
		 i, why ? ", then " : "", why ?: "");
	result(!why, text);
	node_close(&n);
}

/* --- OUTPUT is stopped, and started again --------------------------------- */

/* A picture that comes as it should. */
static bool picture(struct node *n, unsigned int *nth, const struct picture *pic)
{
	size_t used;
	int flags = dequeue_nth(n, CAP, nth, &used);

	return flags >= 0 && used &&
	       !(flags & (V4L2_BUF_FLAG_ERROR | V4L2_BUF_FLAG_LAST)) &&
	       check_frame(n, *nth, pic, used);
}

static bool empty_last(struct node *n, unsigned int *nth)
{
	size_t used;
	int flags = dequeue_nth(n, CAP, nth, &used);

	return flags >= 0 && !used && flags & V4L2_BUF_FLAG_LAST;
}

static bool again(struct node *n)
{
	return !on(n, OUT, false) && !on(n, OUT, true);
}

static void restart_decoder(const char *decoder, const struct sample *small,
			    const struct sample *large)
{
	unsigned int nth;
	struct node n;
	size_t used;
	int flags;

	node_open(&n, decoder);
	if (subscribe(&n, V4L2_EVENT_EOS) ||
	    subscribe(&n, V4L2_EVENT_SOURCE_CHANGE) ||
	    set_fmt(&n, OUT, V4L2_PIX_FMT_JPEG, small->pic.width,
		    small->pic.height, ROOM) ||
	    set_fmt(&n, CAP, V4L2_PIX_FMT_NV12, 0, 0, 0) ||
	    buffer(&n, OUT, 1) || on(&n, OUT, true))
		err(1, "%s", decoder);

	/* What is stopped while CAPTURE is not there ends when it is. */
	result(!command(&n, true, true) && !cap_bufs(&n) &&
	       empty_last(&n, &nth) && event(&n) == V4L2_EVENT_EOS,
	       "seek: STOP before CAPTURE streams");
	result(again(&n) && !queue(&n, OUT, small->data, small->size) &&
	       picture(&n, &nth, &small->pic) && dequeue(&n, OUT, NULL) >= 0,
	       "seek: after it, pictures come");

	/* Both buffers of CAPTURE are here: nothing comes before STOP. */
	result(!queue(&n, OUT, small->data, small->size) &&
	       !command(&n, true, true) && !queue_nth(&n, CAP, 0, NULL, 0),
	       "seek: STOP");
	flags = dequeue_nth(&n, CAP, &nth, &used);
	result(flags >= 0 && used && flags & V4L2_BUF_FLAG_LAST && ended(&n) &&
	       event(&n) == V4L2_EVENT_EOS, "seek: the last picture");
	result(again(&n) && !queue_nth(&n, CAP, 1, NULL, 0) &&
	       !queue(&n, OUT, small->data, small->size) &&
	       picture(&n, &nth, &small->pic) && dequeue(&n, OUT, NULL) >= 0,
	       "seek: after the end, pictures come");

	/* Of the event for this one, nothing may be left in the way. */
	result(!queue_nth(&n, CAP, 0, NULL, 0) &&
	       !queue(&n, OUT, large->data, large->size) &&
	       event(&n) == V4L2_EVENT_SOURCE_CHANGE &&
	       empty_last(&n, &nth) && ended(&n), "seek: a larger picture");
	result(!queue_nth(&n, CAP, 0, NULL, 0),
	       "seek: an old buffer can still be queued");
	result(again(&n) && !queue(&n, OUT, large->data, large->size) &&
	       event(&n) == V4L2_EVENT_SOURCE_CHANGE && empty_last(&n, &nth),
	       "seek: the change is told again");
	result(!on(&n, CAP, false) && !cap_bufs(&n) &&
	       picture(&n, &nth, &large->pic),
	       "seek: the larger picture comes");
	node_close(&n);
}

static void restart_encoder(const char *encoder, const struct picture *pic)
{
	unsigned int nth, i;
	struct node n;
	size_t used;
	int flags;

	if (enc_open(&n, encoder, pic, BUFS) || subscribe(&n, V4L2_EVENT_EOS))
		err(1, "%s", encoder);

	/* Without CAPTURE there is nothing to drain. */
	result(!on(&n, CAP, false) && !command(&n, false, true),
	       "encoder: STOP without CAPTURE");
	for (i = 0; i < BUFS; i++)
		if (queue_nth(&n, CAP, i, NULL, 0))
			err(1, "%s", encoder);
	result(!on(&n, CAP, true) && encoder_queue(&n, pic),
	       "encoder: pictures after it");
	for (i = 0; i < BUFS; i++) {
		flags = dequeue(&n, CAP, &used);
		result(flags >= 0 && used && !(flags & V4L2_BUF_FLAG_LAST),
		       "encoder: it is not the last one");
	}
	result(encoder_dequeue(&n), "encoder: OUTPUT of those is back");

	/* Both buffers of CAPTURE are here: nothing comes before STOP. */
	result(!queue(&n, OUT, n.map[OUT][0], n.len[OUT]) &&
	       !command(&n, false, true) && !queue_nth(&n, CAP, 0, NULL, 0),
	       "encoder: STOP with CAPTURE");
	flags = dequeue(&n, CAP, &used);
	result(flags >= 0 && used && flags & V4L2_BUF_FLAG_LAST && ended(&n) &&
	       event(&n) == V4L2_EVENT_EOS, "encoder: the last one");
	result(again(&n) && !queue_nth(&n, CAP, 1, NULL, 0) &&
	       !queue(&n, OUT, n.map[OUT][0], n.len[OUT]),
	       "encoder: OUTPUT streams again");
	flags = dequeue(&n, CAP, &used);
	result(flags >= 0 && used && !(flags & V4L2_BUF_FLAG_LAST) &&
	       dequeue(&n, OUT, NULL) >= 0, "encoder: it goes on after that");

	/* A last one is owed. */
	result(!queue(&n, OUT, n.map[OUT][0], n.len[OUT]) &&
	       !command(&n, false, true) && again(&n) &&
	       !queue(&n, OUT, n.map[OUT][0], n.len[OUT]) &&
	       !queue_nth(&n, CAP, 0, NULL, 0) && empty_last(&n, &nth) &&
	       event(&n) == V4L2_EVENT_EOS,
	       "encoder: OUTPUT streams again in a drain");
	result(ended(&n) && !command(&n, false, false) &&
	       !queue_nth(&n, CAP, 1, NULL, 0), "encoder: START after it");
	flags = dequeue(&n, CAP, &used);
	result(flags >= 0 && used && !(flags & V4L2_BUF_FLAG_LAST),
	       "encoder: the next picture comes");
	node_close(&n);
}

int main(int argc, char **argv)
{
	struct sample samples[2];
	unsigned int count, i;

	if (argc != 6)
		errx(2, "see the head of drain.c");

	count = strtoul(argv[3], NULL, 0);
	for (i = 0; i < 2; i++) {
		samples[i].data = file_read(argv[4 + i], &samples[i].size);
		if (coder_decode(samples[i].data, samples[i].size, VBJPEG_NV12,
				 &samples[i].pic))
			errx(2, "%s: no picture", argv[4 + i]);
	}
	plain(argv[1], samples[1].data, samples[1].size);
	encoder_plain(argv[2], &samples[0].pic);
	race_decoder(argv[1], count, samples[0].data, samples[0].size);
	race_encoder(argv[2], count, &samples[0].pic);
	change(argv[1], count, samples);
	restart_decoder(argv[1], &samples[1], &samples[0]);
	restart_encoder(argv[2], &samples[0].pic);
	results_end();

	return 0;
}
