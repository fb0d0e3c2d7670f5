// SPDX-License-Identifier: Apache-2.0

// See certificate.h.

#include "certificate.h"

#include "auth.h"

void certificate_input(struct v2_request *r, const struct v2_auth *auth)
{
	(void)auth;
	auth_failed(r, "certificates are not served");
}

void certificate_write(const struct ike_sa *sa, struct isakmp_out *out)
{
}

void certificate_abandon(struct v2_request *r)
{
}
