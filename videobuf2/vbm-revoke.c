// SPDX-License-Identifier: GPL-2.0-only
/*
 * Importers that can be asked to let go of a buffer: dynamic ones, which have
 * importer_ops.
 *
 * A GPU keeps what it imports mapped for as long as it has it, and says that it
 * can do without for a while. Before a buffer moves such importers are told that
 * their mappings are no longer good. They may go on with them until the fences
 * in the reservation object have signalled, and read what they throw away until
 * they unmap, so both is waited for; the first in earnest. The second is in the
 * importer's hands: to unmap it needs the reservation lock, which is held here.
 * One that does not do so at once is found to have the buffer mapped, and the
 * move is for the next time.
 *
 * One that has pinned the buffer relies on where it is. The core pins for static
 * importers, too, around each map (7.2); that counts for nothing: what they have
 * mapped is in use.
 *
 * On 6.12 the core keeps what a dynamic importer has mapped from attach to
 * detach, so it is always in use, and there is nothing to ask or to pin.
 */

#include <linux/dma-buf.h>
#include <linux/dma-resv.h>
#include <linux/jiffies.h>

#include "vbm-revoke.h"
#include "vbm-attachment.h"
#include "vbm.h"

/* Context: the dma_resv of the dma-buf held. Return: 0. */
int vbm_revoke_pin(struct dma_buf_attachment *attach)
{
	struct vbm_buf *buf = attach->dmabuf->priv;

	dma_resv_assert_held(&buf->resv);
	buf->pins += !!attach->importer_ops;
	return 0;
}

void vbm_revoke_unpin(struct dma_buf_attachment *attach)
{
	struct vbm_buf *buf = attach->dmabuf->priv;

	dma_resv_assert_held(&buf->resv);
	buf->pins -= !!attach->importer_ops;
}

/* Is it, or somebody who shares its mapping, mapped? */
static bool vbm_revoke_uses(const struct vbm_attachment *att)
{
	const struct vbm_mapping *map;
	unsigned int i;

	for (i = 0; i < VBM_NR_DIRS; i++) {
		map = att->maps[i];
		/* The buffer itself has its own device's, while that is there. */
		if (map && map->in_use > (map == map->buf->own && map->live))
			return true;
	}
	return false;
}

/* Has somebody it mapped who can not be asked? Then it stays anyway. */
static bool vbm_revoke_in_vain(struct vbm_buf *buf)
{
	const struct vbm_attachment *att;
	bool in_vain = false;

	mutex_lock(&buf->lock);
	list_for_each_entry(att, vbm_inbox_list(&buf->attachments),
			    letter.node)
		in_vain |= !dma_buf_attach_revocable(att->attach) &&
			   vbm_revoke_uses(att);
	mutex_unlock(&buf->lock);
	return in_vain;
}

/*
 * A dma-buf that a dynamic importer may have mapped, not asked yet, referenced;
 * or NULL. All attachments of it are asked together.
 */
static struct dma_buf *vbm_revoke_next(struct vbm_buf *buf)
{
	struct dma_buf *dmabuf = NULL;
	struct vbm_attachment *att;

	mutex_lock(&buf->lock);
	list_for_each_entry(att, vbm_inbox_list(&buf->attachments),
			    letter.node) {
		if (dmabuf && att->attach->dmabuf == dmabuf)
			att->asked = true;
		if (dmabuf || att->asked || !att->attach->importer_ops ||
		    !vbm_revoke_uses(att))
			continue;
		dmabuf = att->attach->dmabuf;
		get_dma_buf(dmabuf);
		att->asked = true;
	}
	if (!dmabuf)
		list_for_each_entry(att, &buf->attachments.list, letter.node)
			att->asked = false;
	mutex_unlock(&buf->lock);
	return dmabuf;
}

/**
 * vbm_revoke() - have importers let go of a buffer that is about to move
 * @buf: the buffer, not pinned
 * @but: the attachment that is just being mapped, or NULL
 *
 * An importer that is dynamic itself is not called back from its own map, so
 * nobody is asked on its behalf.
 *
 * Context: may sleep; the buffer's dma_resv held, &vbm_buf.lock not.
 */
void vbm_revoke(struct vbm_buf *buf, const struct vbm_attachment *but)
{
	struct dma_buf *dmabuf;

	dma_resv_assert_held(&buf->resv);
	if (but && but->attach->importer_ops)
		return;
	if (vbm_revoke_in_vain(buf))
		return;
	while ((dmabuf = vbm_revoke_next(buf))) {
		dma_buf_invalidate_mappings(dmabuf);
		dma_buf_put(dmabuf);
	}
	/* Also for what was mapped, and is unmapped by now. */
	dma_resv_wait_timeout(&buf->resv, DMA_RESV_USAGE_BOOKKEEP, false, HZ);
}

/* Has all signalled that may still access it? Context: its dma_resv held. */
bool vbm_revoke_idle(struct vbm_buf *buf)
{
	dma_resv_assert_held(&buf->resv);
	return !buf->pins &&
	       dma_resv_test_signaled(&buf->resv, DMA_RESV_USAGE_BOOKKEEP);
}
