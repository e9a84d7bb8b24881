/* Writing of one record into the tree. */
#ifndef VITRINE_UNPACK_ENTRY_H
#define VITRINE_UNPACK_ENTRY_H

#include "record.h"
#include "tree.h"

/* Writes what the record says; reads its data from `in`. */
void entry_write(struct tree *tree, const struct record *record, int in);

/* Sets the directories' times: later entries inside them have changed them. */
void entry_finish(struct tree *tree);

#endif
