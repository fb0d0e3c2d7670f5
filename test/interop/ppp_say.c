// SPDX-License-Identifier: Apache-2.0

// Says a PPP packet on the client's link beside its pppd: the words are the packet's bytes in hex,
// from the two-byte protocol field on. The kernel gives its PPP channels numbers from 1 on; the
// newest one is taken.

#include <fcntl.h>
#include <linux/ppp-ioctl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { CHANNELS = 256 };

static int newest_channel(void)
{
	int newest = -1;

	for (int i = 0; i < CHANNELS; i++) {
		int fd = open("/dev/ppp", O_RDWR);

		if (fd < 0)
			return -1;
		if (ioctl(fd, PPPIOCATTCHAN, &i) < 0) {
			close(fd);
			continue;
		}
		if (newest >= 0)
			close(newest);
		newest = fd;
	}
	return newest;
}

int main(int argc, char **argv)
{
	unsigned char packet[1500];
	ssize_t length = 0;
	int fd = newest_channel();

	for (int i = 1; i < argc && length < (ssize_t)sizeof(packet); i++)
		packet[length++] = (unsigned char)strtoul(argv[i], NULL, 16);
	if (fd < 0 || write(fd, packet, (size_t)length) != length) {
		perror("/dev/ppp");
		return 1;
	}
	return 0;
}
