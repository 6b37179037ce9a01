/* SPDX-License-Identifier: Apache-2.0
 *
 * hull errors to ttrpc statuses and back.
 */
#include "proto/status.h"

#include "base/cleanup.h"
#include "error.pb-c.h"

#include <string.h>

void hull_ttrpc_fail_error(struct hull_ttrpc_call *call, const struct hull_error *err)
{
	Hull__V1__Error detail = HULL__V1__ERROR__INIT;
	struct hull_ttrpc_status st = {.message = hull_error_message(err)};
	struct hull_ttrpc_any any = {.type_url = HULL_STATUS_DETAIL};
	int code = err ? hull_error_code(err) : HULL_E_INTERNAL;
	cleanup_free uint8_t *packed = NULL;

	st.code = hull_code_to_rpc(code);
	detail.code = (char *)hull_code_name(code);
	detail.cause = (char *)hull_error_cause(err);
	detail.message = (char *)hull_error_message(err);
	detail.hint = (char *)hull_error_hint(err);
	packed = malloc(hull__v1__error__get_packed_size(&detail));
	if (packed) { /* without memory the plain status has to do */
		any.len = hull__v1__error__pack(&detail, packed);
		any.value = packed;
		st.details = &any;
		st.n_details = 1;
	}
	hull_ttrpc_fail(call, &st);
}

int hull_fail_status(struct hull_error **err, const struct hull_ttrpc_status *status)
{
	for (size_t i = 0; i < status->n_details; i++) {
		const struct hull_ttrpc_any *any = &status->details[i];
		const char *type = strrchr(any->type_url, '/');
		Hull__V1__Error *e;
		int code;

		if (strcmp(type ? type + 1 : any->type_url, HULL_STATUS_DETAIL))
			continue;
		e = hull__v1__error__unpack(NULL, any->len, any->value);
		if (!e)
			continue;
		code = hull_code_from_name(e->code);
		hull_fail_remote(err, code ? code : hull_code_from_rpc(status->code), e->cause,
				 e->message, e->hint);
		hull__v1__error__free_unpacked(e, NULL);
		return -1;
	}
	return hull_fail(err, hull_code_from_rpc(status->code), "%s", status->message);
}
