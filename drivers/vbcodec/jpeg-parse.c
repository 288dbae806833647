// SPDX-License-Identifier: GPL-2.0-only
/*
 * The JPEG decoder: markers and what they bring.
 */

#include "jpeg-dec.h"

/* What is left of a marker's segment. */
struct segment {
	const u8 *pos;
	size_t len;
};

static int read_u8(struct segment *seg)
{
	if (!seg->len)
		return -EINVAL;

	seg->len--;
	return *seg->pos++;
}

static int read_u16(struct segment *seg)
{
	int value;

	if (seg->len < 2)
		return -EINVAL;

	value = get_unaligned_be16(seg->pos);
	seg->pos += 2;
	seg->len -= 2;

	return value;
}

/* Bytes that are no marker are skipped, as anyone does. */
static int next_marker(struct vbjpeg_dec *dec)
{
	const u8 *pos = dec->pos;

	while (dec->end - pos >= 2) {
		pos = memchr(pos, 0xff, dec->end - pos - 1);
		if (!pos)
			break;
		pos++;
		if (*pos && *pos != 0xff) {
			dec->pos = pos + 1;
			return *pos;
		}
	}

	return -EINVAL;
}

static int next_segment(struct vbjpeg_dec *dec, struct segment *seg)
{
	size_t left = dec->end - dec->pos;
	unsigned int len;

	if (left < 2)
		return -EINVAL;

	len = get_unaligned_be16(dec->pos);
	if (len < 2 || len > left)
		return -EINVAL;

	seg->pos = dec->pos + 2;
	seg->len = len - 2;
	dec->pos += len;

	return 0;
}

static int parse_dqt(struct vbjpeg_dec *dec, struct segment *seg)
{
	while (seg->len) {
		int head = read_u8(seg), i, value;
		u16 *quant;

		if (head >> 4 > 1 || (head & 15) > 3)
			return -EINVAL;

		quant = dec->quant[head & 15];
		for (i = 0; i < VBJPEG_BLOCK; i++) {
			value = head >> 4 ? read_u16(seg) : read_u8(seg);
			if (value <= 0)
				return -EINVAL;
			quant[i] = value;
		}
		dec->quant_defined |= 1 << (head & 15);
	}

	return 0;
}

static int parse_dht(struct vbjpeg_dec *dec, struct segment *seg)
{
	while (seg->len) {
		int head = read_u8(seg), i, ret;
		struct vbjpeg_dec_huff *huff;
		const u8 *bits = seg->pos;
		size_t sum = 0;

		if (head >> 4 > 1 || (head & 15) > 3 || seg->len < 16)
			return -EINVAL;

		for (i = 0; i < 16; i++)
			sum += bits[i];
		if (sum > sizeof(huff->vals) || seg->len - 16 < sum)
			return -EINVAL;

		huff = head >> 4 ? &dec->ac[head & 15] : &dec->dc[head & 15];
		ret = vbjpeg_dec_huff_make(huff, bits, bits + 16, head >> 4);
		if (ret)
			return ret;
		seg->pos += 16 + sum;
		seg->len -= 16 + sum;
	}

	return 0;
}

/*
 * Streams of a camera ("MJPEG") may leave out the tables that everyone knows.
 */
static int std_huff(struct vbjpeg_dec_huff *huff,
		    const struct vbjpeg_huff_spec *specs, unsigned int i,
		    bool ac)
{
	if (huff->defined)
		return 0;
	if (i > VBJPEG_CHROMA)
		return -EINVAL;

	return vbjpeg_dec_huff_make(huff, specs[i].bits, specs[i].vals, ac);
}

static int parse_dri(struct vbjpeg_dec *dec, struct segment *seg)
{
	int restart = read_u16(seg);

	if (restart < 0)
		return restart;

	dec->restart = restart;
	return 0;
}

static void parse_app(struct vbjpeg_dec *dec, int marker, struct segment *seg)
{
	if (marker == VBJPEG_APP0 && seg->len >= 5 &&
	    !memcmp(seg->pos, "JFIF", 5)) {
		dec->jfif = true;
	} else if (marker == VBJPEG_APP14 && seg->len >= 12 &&
		   !memcmp(seg->pos, "Adobe", 5)) {
		dec->adobe = true;
		dec->adobe_transform = seg->pos[11];
	}
}

static int parse_comp(struct vbjpeg_dec_comp *comp, struct segment *seg)
{
	int id = read_u8(seg), sampling = read_u8(seg), quant = read_u8(seg);

	if (id < 0 || sampling < 0 || quant < 0 || quant > 3)
		return -EINVAL;

	memset(comp, 0, sizeof(*comp));
	comp->id = id;
	comp->h = sampling >> 4;
	comp->v = sampling & 15;
	comp->quant = quant;
	if (!comp->h || comp->h > 4 || !comp->v || comp->v > 4)
		return -EINVAL;

	return 0;
}

/* Luma at full resolution, and both chroma components at one other. */
static int check_sampling(struct vbjpeg_dec *dec)
{
	struct vbjpeg_dec_comp *y = &dec->comp[0], *cb = &dec->comp[1];
	struct vbjpeg_dec_comp *cr = &dec->comp[2];

	dec->hs = 1;
	dec->vs = 1;
	if (dec->nr_comps == 1) {
		/* A scan of one component has one block in its MCU. */
		y->h = 1;
		y->v = 1;
	} else {
		if (cb->h != cr->h || cb->v != cr->v || y->h % cb->h ||
		    y->v % cb->v)
			return -EOPNOTSUPP;
		if (y->h * y->v + 2 * cb->h * cb->v > 10)
			return -EOPNOTSUPP;
		dec->hs = y->h / cb->h;
		dec->vs = y->v / cb->v;
		if (dec->hs == 3 || dec->vs > 2)
			return -EOPNOTSUPP;
	}
	dec->hmax = y->h;
	dec->vmax = y->v;

	return 0;
}

static void set_layout(struct vbjpeg_dec *dec)
{
	unsigned int i;

	for (i = 0; i < dec->nr_comps; i++) {
		struct vbjpeg_dec_comp *comp = &dec->comp[i];

		comp->width = DIV_ROUND_UP(dec->width * comp->h, dec->hmax);
		comp->height = DIV_ROUND_UP(dec->height * comp->v, dec->vmax);
		comp->stride = DIV_ROUND_UP(dec->width, 8 * dec->hmax) *
			       comp->h * 8;
		comp->rows = DIV_ROUND_UP(dec->height, 8 * dec->vmax) *
			     comp->v * 8;
	}
}

static int parse_sof(struct vbjpeg_dec *dec, struct segment *seg)
{
	int precision = read_u8(seg), height = read_u16(seg);
	int width = read_u16(seg), nr_comps = read_u8(seg);
	int i, ret;

	if (dec->nr_comps || precision < 0 || height < 0 || width <= 0 ||
	    nr_comps <= 0)
		return -EINVAL;

	/* The height may also come at the end of the first scan. */
	if (precision != 8 || !height || width > VBJPEG_MAX_WIDTH ||
	    height > VBJPEG_MAX_HEIGHT || (nr_comps != 1 && nr_comps != 3))
		return -EOPNOTSUPP;

	for (i = 0; i < nr_comps; i++) {
		ret = parse_comp(&dec->comp[i], seg);
		if (ret)
			return ret;
	}
	dec->width = width;
	dec->height = height;
	dec->nr_comps = nr_comps;

	ret = check_sampling(dec);
	if (ret)
		return ret;
	set_layout(dec);

	return 0;
}

/* Is it YCbCr? Guessed in the way of everyone else. */
static bool is_ycc(const struct vbjpeg_dec *dec)
{
	if (dec->nr_comps == 1 || dec->jfif)
		return true;
	if (dec->adobe)
		return dec->adobe_transform;

	return !(dec->comp[0].id == 'R' && dec->comp[1].id == 'G' &&
		 dec->comp[2].id == 'B');
}

static int parse_marker(struct vbjpeg_dec *dec, int marker)
{
	struct segment seg;
	int ret;

	/* Those that have no segment. */
	if ((marker >= VBJPEG_RST0 && marker <= VBJPEG_RST7) ||
	    marker == VBJPEG_TEM)
		return 0;
	if (marker == VBJPEG_SOI || marker == VBJPEG_EOI)
		return -EINVAL;

	ret = next_segment(dec, &seg);
	if (ret)
		return ret;

	switch (marker) {
	case VBJPEG_SOF0:
	case VBJPEG_SOF1:
		return parse_sof(dec, &seg);
	case VBJPEG_DHT:
		return parse_dht(dec, &seg);
	case VBJPEG_DQT:
		return parse_dqt(dec, &seg);
	case VBJPEG_DRI:
		return parse_dri(dec, &seg);
	case VBJPEG_SOF2 ... VBJPEG_DHT - 1:
	case VBJPEG_DHT + 1 ... VBJPEG_DAC - 1:
	case VBJPEG_DAC + 1 ... VBJPEG_SOF15:
	case VBJPEG_DNL:
		return -EOPNOTSUPP;
	default:
		parse_app(dec, marker, &seg);
		return 0;
	}
}

/* Everything up to the next start of a scan. */
static int parse_to_scan(struct vbjpeg_dec *dec)
{
	int marker, ret;

	for (;;) {
		marker = next_marker(dec);
		if (marker < 0)
			return marker;
		if (marker == VBJPEG_SOS)
			return dec->nr_comps ? 0 : -EINVAL;

		ret = parse_marker(dec, marker);
		if (ret)
			return ret;
		/* There can be millions of them. */
		cond_resched();
	}
}

static struct vbjpeg_dec_comp *find_comp(struct vbjpeg_dec *dec, int id)
{
	unsigned int i;

	for (i = 0; i < dec->nr_comps; i++)
		if (dec->comp[i].id == id && !dec->comp[i].decoded)
			return &dec->comp[i];

	return NULL;
}

static int parse_scan_comp(struct vbjpeg_dec *dec, struct segment *seg,
			   struct vbjpeg_dec_comp **found)
{
	int id = read_u8(seg), tables = read_u8(seg);
	struct vbjpeg_dec_comp *comp;

	if (id < 0 || tables < 0 || tables >> 4 > 3 || (tables & 15) > 3)
		return -EINVAL;

	comp = find_comp(dec, id);
	if (!comp || !(dec->quant_defined & 1 << comp->quant))
		return -EINVAL;

	comp->q = dec->quant[comp->quant];
	comp->dc = tables >> 4;
	comp->ac = tables & 15;
	comp->decoded = true;
	*found = comp;

	return std_huff(&dec->dc[comp->dc], vbjpeg_std_dc, comp->dc, false) ?:
	       std_huff(&dec->ac[comp->ac], vbjpeg_std_ac, comp->ac, true);
}

/**
 * vbjpeg_dec_next_scan - find the next scan
 * @dec: the decoder, past the marker of the first scan or all of another one
 * @comps: what components are in the scan
 *
 * Return: how many, or an error.
 */
int vbjpeg_dec_next_scan(struct vbjpeg_dec *dec,
			 struct vbjpeg_dec_comp *comps[])
{
	struct segment seg;
	int nr, i, ret;

	ret = next_segment(dec, &seg);
	if (ret)
		return ret;

	nr = read_u8(&seg);
	if (nr <= 0 || nr > (int)dec->nr_comps)
		return -EINVAL;

	for (i = 0; i < nr; i++) {
		ret = parse_scan_comp(dec, &seg, &comps[i]);
		if (ret)
			return ret;
	}

	/* All coefficients with all their bits, or it is not sequential. */
	if (read_u8(&seg) != 0 || read_u8(&seg) != VBJPEG_BLOCK - 1 ||
	    read_u8(&seg) != 0)
		return -EINVAL;

	return nr;
}

/**
 * vbjpeg_dec_more - go on to another scan
 * @dec: the decoder, past the data of a scan
 *
 * Return: 1 if there is one to come, 0 if the picture is complete, or an error.
 */
int vbjpeg_dec_more(struct vbjpeg_dec *dec)
{
	unsigned int i;

	for (i = 0; i < dec->nr_comps; i++)
		if (!dec->comp[i].decoded)
			return parse_to_scan(dec) ?: 1;

	return 0;
}

/**
 * vbjpeg_dec_restart - find a restart marker
 * @dec: the decoder
 * @pos: where to look from
 * @nr: number of the marker expected, modulo 8
 *
 * Return: what is after it, or NULL if there is another marker or none.
 */
const u8 *vbjpeg_dec_restart(struct vbjpeg_dec *dec, const u8 *pos,
			     unsigned int nr)
{
	dec->pos = pos;
	if (next_marker(dec) != VBJPEG_RST0 + (int)(nr & 7))
		return NULL;

	return dec->pos;
}

/**
 * vbjpeg_dec_header - read the header
 * @dec: the decoder, in any state
 * @data: the file, which is used up to the last call of vbjpeg_dec_scans()
 * @size: its size
 *
 * Return: 0, -EINVAL if it is not JPEG, or corrupt, -EOPNOTSUPP if it is
 * something that is not supported.
 */
int vbjpeg_dec_header(struct vbjpeg_dec *dec, const void *data, size_t size)
{
	unsigned int i;
	int ret;

	dec->data = data;
	dec->pos = data;
	dec->end = dec->pos + size;
	dec->nr_comps = 0;
	dec->restart = 0;
	dec->quant_defined = 0;
	dec->adobe = false;
	dec->jfif = false;
	for (i = 0; i < ARRAY_SIZE(dec->dc); i++) {
		dec->dc[i].defined = false;
		dec->ac[i].defined = false;
	}

	if (size < 2 || dec->pos[0] != 0xff || dec->pos[1] != VBJPEG_SOI)
		return -EINVAL;
	dec->pos += 2;

	ret = parse_to_scan(dec);
	if (ret)
		return ret;

	return is_ycc(dec) ? 0 : -EOPNOTSUPP;
}
