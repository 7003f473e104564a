/*-------------------------------------------------------------------------
 *
 * signature.c
 *	  SQL functions on signatures.
 *
 *-------------------------------------------------------------------------
 */
#include "compat.h"

#include "fmgr.h"
#include "utils/builtins.h"

#include "core/signature.h"

PG_FUNCTION_INFO_V1(ar_inbox_signature_fits);

/* signature_fits(algorithm text, key bytea, data bytea, signature bytea) */
Datum
ar_inbox_signature_fits(PG_FUNCTION_ARGS)
{
	char *algorithm = text_to_cstring(PG_GETARG_TEXT_PP(0));
	bytea *key = PG_GETARG_BYTEA_PP(1);
	bytea *data = PG_GETARG_BYTEA_PP(2);
	bytea *signature = PG_GETARG_BYTEA_PP(3);
	SignatureHash hash = SIGNATURE_SHA256;
	SignatureResult result;

	if (strcmp(algorithm, "sha1") == 0)
		hash = SIGNATURE_SHA1;
	else if (strcmp(algorithm, "sha256") != 0)
		elog(ERROR, "signature_fits() does not know the algorithm \"%s\"", algorithm);
	result = signature_check(hash, VARDATA_ANY(key), VARSIZE_ANY_EXHDR(key), VARDATA_ANY(data),
							 VARSIZE_ANY_EXHDR(data), VARDATA_ANY(signature),
							 VARSIZE_ANY_EXHDR(signature));
	if (result == SIGNATURE_FAILED)
		elog(ERROR, "could not compute a hash");
	PG_RETURN_BOOL(result == SIGNATURE_RIGHT);
}
