/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A list that is added to without its lock.
 *
 * What comes at each first import is looked at next to never: by people in
 * debugfs, or by who wonders whether a buffer should move. So who adds leaves it
 * in an inbox, and who looks, or takes away, empties that first.
 */
#ifndef _VBM_INBOX_H
#define _VBM_INBOX_H

#include <linux/list.h>
#include <linux/llist.h>

/**
 * struct vbm_letter - part of what is listed
 * @fresh: while it is in the inbox
 * @node: afterwards
 */
struct vbm_letter {
	union {
		struct llist_node fresh;
		struct list_head node;
	};
};

/**
 * struct vbm_inbox - a list and what is to be added to it
 * @fresh: added, newest first
 * @list: of &vbm_letter.node, in the order in which it was added; the owner's
 *	lock
 */
struct vbm_inbox {
	struct llist_head fresh;
	struct list_head list;
};

static inline void vbm_inbox_init(struct vbm_inbox *inbox)
{
	init_llist_head(&inbox->fresh);
	INIT_LIST_HEAD(&inbox->list);
}

/* Context: any. */
static inline void vbm_inbox_add(struct vbm_inbox *inbox,
				 struct vbm_letter *letter)
{
	llist_add(&letter->fresh, &inbox->fresh);
}

/**
 * vbm_inbox_list() - the whole list
 * @inbox: the inbox, which is emptied
 *
 * Context: any; the owner's lock held.
 * Return: the list, of &vbm_letter.node.
 */
static inline struct list_head *vbm_inbox_list(struct vbm_inbox *inbox)
{
	struct vbm_letter *letter, *next;
	struct llist_node *fresh;

	if (llist_empty(&inbox->fresh))
		return &inbox->list;
	fresh = llist_reverse_order(llist_del_all(&inbox->fresh));
	llist_for_each_entry_safe(letter, next, fresh, fresh)
		list_add_tail(&letter->node, &inbox->list);
	return &inbox->list;
}

/* Context: any; the owner's lock held. */
static inline void vbm_inbox_del(struct vbm_inbox *inbox,
				 struct vbm_letter *letter)
{
	vbm_inbox_list(inbox);
	list_del(&letter->node);
}

#endif
