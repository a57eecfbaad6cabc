/* SPDX-License-Identifier: Apache-2.0 */
/** What all ranks found, as a document. */
#ifndef CNN_AUDIT_SUMMARY_H
#define CNN_AUDIT_SUMMARY_H

#include "audit/audit.h"
#include "document/table.h"

/** audits [count], one a rank. First the settings that differ between hosts or devices, then what
 *  disturbs measurements, with its remedies, then what is as wanted and what no host shows. Returns
 *  the number of rules that something disturbs. Pure. */
int cnn_audit_describe(const cnn_audit *audits, int count, cnn_document *out);

#endif
