// SPDX-License-Identifier: Apache-2.0

#include "capture.h"

#include "contract/limits.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// The classic format (draft-ietf-opsawg-pcap), in the byte order of who writes.
struct file_header {
	uint32_t magic;
	uint16_t major, minor;
	uint32_t zero[2];
	uint32_t longest;
	uint32_t link; // 1: Ethernet
};

struct packet_header {
	uint32_t seconds, microseconds;
	uint32_t kept, length;
};

struct writer {
	const struct capture *capture;
	struct frame_maker frame;
	struct cipher cipher;
	void *key;
	uint32_t *sequence; // of each session
	FILE *file;
};

static int writer_open(struct writer *w, const struct capture *c, const char *path)
{
	const struct file_header header = {0xa1b2c3d4, 2, 4, {0}, FRAME_MOST, 1};

	*w = (struct writer){.capture = c};
	w->frame.population = c->population;
	w->frame.cipher = &w->cipher;
	memcpy(w->frame.to, c->to, FRAME_MAC);
	memcpy(w->frame.from, c->from, FRAME_MAC);
	w->sequence = calloc(c->population->sessions, sizeof(*w->sequence));
	if (!w->sequence)
		return -ENOMEM;
	w->file = fopen(path, "wb");
	if (!w->file)
		return -errno;
	return fwrite(&header, sizeof(header), 1, w->file) == 1 ? 0 : -EIO;
}

static int writer_keys(struct writer *w)
{
	IMB_MGR *mgr;

	if (!population_has_esp(w->capture->population))
		return 0;
	mgr = alloc_mb_mgr(0);
	if (!mgr)
		return -ENOMEM;
	init_mb_mgr_auto(mgr, NULL);
	cipher_open(&w->cipher, w->capture->population, mgr);
	w->key = aligned_alloc(64, cipher_keys_size(&w->cipher));
	if (!w->key)
		return -ENOMEM;
	cipher_keys_make(&w->cipher, false, w->key);
	w->frame.key = w->key;
	return 0;
}

static int writer_close(struct writer *w)
{
	int error = 0;

	if (w->file && fclose(w->file) != 0)
		error = -errno;
	free(w->sequence);
	free(w->key);
	if (w->cipher.mgr)
		free_mb_mgr(w->cipher.mgr);
	return error;
}

static int write_packet(struct writer *w, uint32_t number)
{
	const struct capture *c = w->capture;
	uint32_t session = number % c->population->sessions;
	uint8_t frame[FRAME_MOST];
	struct build b = build_in(frame, sizeof(frame));
	struct packet_header header = {.microseconds = number % 1000000};
	struct cipher_packet seal;

	if (c->direction == UPLINK)
		frame_uplink(&w->frame, &b, session, c->size, ++w->sequence[session], &seal);
	else
		frame_downlink(&w->frame, &b, session, c->size);
	if (b.failed)
		return -EMSGSIZE;
	if (c->direction == UPLINK && population_has_esp(c->population))
		cipher_encrypt(&w->cipher, &seal, 1);
	header.seconds = number / 1000000;
	header.kept = header.length = (uint32_t)build_length(&b);
	if (fwrite(&header, sizeof(header), 1, w->file) != 1 ||
		fwrite(frame, header.length, 1, w->file) != 1)
		return -EIO;
	return 0;
}

int capture_write(const struct capture *c, const char *path)
{
	struct writer w;
	int error = writer_open(&w, c, path), closed;

	error = error ? error : writer_keys(&w);
	for (uint32_t i = 0; error == 0 && i < c->packets; i++)
		error = write_packet(&w, i);
	closed = writer_close(&w);
	return error ? error : closed;
}
