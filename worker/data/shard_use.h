/* What a token file of a foreign folder is for, by the words of its name.
 *
 * Words are runs of letters, in any case: "fineweb_val_000001.bin" has fineweb, val and bin, and
 * "train2.bin" has train. A word counts, not a part of one: "pretrain_val" and "constraint_val" are
 * validation.
 *
 *     training     train, training
 *     validation   val, valid, validation, dev, eval, evaluation, heldout, holdout; and the same
 *                  with -set, -data or -split behind: valset
 *     test         test, testing, testset ...: read as validation where a folder has no other,
 *                  else not read
 *
 * A name without any such word that has "train" somewhere (pretrain_000.bin, trainset_000.bin) is
 * training. One with a word of training and a word of validation or test says both. Pure. */
#pragma once

enum shard_use { SHARD_UNREAD, SHARD_TRAIN, SHARD_VAL, SHARD_TEST, SHARD_BOTH };

enum { SHARD_WORD_SIZE = 24 };

/* train and held: the words that decided, where there are such, else "". */
enum shard_use shard_use_of(const char *name, char train[SHARD_WORD_SIZE],
                            char held[SHARD_WORD_SIZE]);
