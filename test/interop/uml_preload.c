// SPDX-License-Identifier: Apache-2.0

// What User Mode Linux (6.1, as in Debian 12) lacks on today's hosts. The client's launcher
// preloads this into it; nothing of the client itself changes.
//
// Processors with AMX: it keeps 2696 bytes of extended processor state for each of its processes,
// enough up to AVX-512. The host refuses to set a register set that is not as large as its own,
// which with AMX is about 11 KiB, and the first process dies. Here such a request is completed
// with what the host holds for the rest. Where the sizes agree nothing changes. Tile registers are
// therefore not saved per process; the client uses none.
//
// More than one CPU: a TAP sends SIGIO a moment before epoll reports its packet. When the handler
// runs in between, on the other CPU, it finds nothing, and the packet lies until something else
// comes: a second or three, by the timers of IKE and PPP. A SIGIO every 10 ms bounds that.

#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <time.h>

enum { XSTATE_MAX = 65536, NUDGE_NS = 10 * 1000 * 1000 };

long ptrace(enum __ptrace_request request, ...);

static long (*real_ptrace)(enum __ptrace_request request, ...);

// User Mode Linux is one thread, and its kernel stacks are smaller than this.
static char whole[XSTATE_MAX];

// Before the first process runs the kernel cannot take signals everywhere.
static void nudge_once(void)
{
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGIO};
	struct itimerspec period = {.it_interval.tv_nsec = NUDGE_NS, .it_value.tv_nsec = NUDGE_NS};
	static bool done;
	timer_t timer;

	if (done)
		return;
	done = true;
	if (timer_create(CLOCK_MONOTONIC, &event, &timer) == 0)
		timer_settime(timer, 0, &period, NULL);
}

static long xstate_set(pid_t pid, void *addr, struct iovec *given)
{
	struct iovec host = {whole, sizeof whole};

	if (real_ptrace(PTRACE_GETREGSET, pid, addr, &host) < 0)
		return -1;
	if (given->iov_len >= host.iov_len)
		return real_ptrace(PTRACE_SETREGSET, pid, addr, given);
	memcpy(whole, given->iov_base, given->iov_len);
	return real_ptrace(PTRACE_SETREGSET, pid, addr, &host);
}

long ptrace(enum __ptrace_request request, ...)
{
	va_list arguments;
	void *addr, *data;
	pid_t pid;

	va_start(arguments, request);
	pid = va_arg(arguments, pid_t);
	addr = va_arg(arguments, void *);
	data = va_arg(arguments, void *);
	va_end(arguments);

	if (!real_ptrace)
		real_ptrace = (long (*)(enum __ptrace_request, ...))dlsym(RTLD_NEXT, "ptrace");
	if (!real_ptrace) {
		errno = ENOSYS;
		return -1;
	}
	if (request == PTRACE_SETREGSET && addr == (void *)NT_X86_XSTATE) {
		nudge_once();
		return xstate_set(pid, addr, data);
	}
	return real_ptrace(request, pid, addr, data);
}
