// SPDX-License-Identifier: Apache-2.0

// See certificates.h.

#include "certificates.h"

#include "controlplane/log.h"
#include "place.h"

#include <stdlib.h>

enum {
	DAY_S = 86400,
	DAY_MS = DAY_S * 1000,
	FILES_MS = 60000, // between looks whether files have changed
};

struct certificates {
	const struct config *config;
	struct timers *timers;
	struct credentials *own;
	struct trust *trust;
	struct timer daily, files;
};

struct certificates *certificates_create(
	const struct config *config, struct timers *timers, char *why, size_t size)
{
	struct certificates *c = calloc(1, sizeof(*c));

	snprintf(why, size, "no memory");
	if (!c)
		return NULL;
	c->config = config;
	c->timers = timers;
	c->own = credentials_create(config, why, size);
	if (c->own)
		c->trust = trust_create(config, timers, why, size);
	if (c->trust)
		return c;
	certificates_free(c);
	return NULL;
}

void certificates_free(struct certificates *c)
{
	if (!c)
		return;
	timer_stop(c->timers, &c->daily);
	timer_stop(c->timers, &c->files);
	trust_free(c->trust);
	credentials_free(c->own);
	free(c);
}

const struct credentials *certificates_own(const struct certificates *c)
{
	return c->own;
}

struct trust *certificates_trust(const struct certificates *c)
{
	return c->trust;
}

int64_t certificates_now(void)
{
	return places_now();
}

static void look_at(const struct certificates *c, const char *file, const char *subject,
	int64_t not_after, const char *fix)
{
	int64_t left = not_after - places_now();

	if (left < 0)
		log_event(LOG_CERTIFICATE_ENDED, NULL, "s:s, s:s, s:I, s:s", "subject", subject,
			"file", file, "days_ago", (long long)(-left / DAY_S), "fix", fix);
	else if (left < (int64_t)c->config->certificates.warn_s)
		log_event(LOG_CERTIFICATE_ENDS, NULL, "s:s, s:s, s:I, s:s", "subject", subject,
			"file", file, "days_left", (long long)(left / DAY_S), "fix", fix);
}

static void look_at_own(void *context, const struct credential_info *info)
{
	look_at(context, info->file, info->subject, info->not_after, "put a new one there");
}

static void look_at_authority(void *context, const struct trust_info *info)
{
	look_at(context, info->file, info->subject, info->not_after,
		"put a new one there and start anew");
}

static void look(void *context)
{
	struct certificates *c = context;

	credentials_each(c->own, look_at_own, c);
	trust_each(c->trust, look_at_authority, c);
	(void)timer_start(c->timers, &c->daily, DAY_MS, look, c);
}

static void look_at_files(void *context)
{
	struct certificates *c = context;

	credentials_renew(c->own);
	(void)timer_start(c->timers, &c->files, FILES_MS, look_at_files, c);
}

void certificates_watch(struct certificates *c)
{
	look(c);
	look_at_files(c);
}
