/* SPDX-License-Identifier: Apache-2.0 */
#include "stats/reasons.h"

#include <stddef.h>

#define NAME(constant, name, sentence)     name,
#define SENTENCE(constant, name, sentence) sentence,
const char *const cnn_reason_names[] = {CNN_REASONS(NAME) NULL};
const char *const cnn_reason_sentences[] = {CNN_REASONS(SENTENCE)};
