// SPDX-License-Identifier: Apache-2.0

// Lets User Mode Linux run on processors with AMX, preloaded into it by the client's launcher.
//
// The kernel of Debian 12's user-mode-linux keeps 2696 bytes of extended processor state for each
// of its processes, enough up to AVX-512. The host refuses to set a register set that is not as
// large as its own, which with AMX is about 11 KiB, and the first process then dies. Here such a
// request is completed with what the host holds for the rest of the state. Where the sizes agree
// nothing changes. Tile registers are therefore not saved per process; the client uses none.

#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>

enum { XSTATE_MAX = 65536 };

long ptrace(enum __ptrace_request request, ...);

static long (*real_ptrace)(enum __ptrace_request request, ...);

// User Mode Linux is one thread, and its kernel stacks are smaller than this.
static char whole[XSTATE_MAX];

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
	if (request == PTRACE_SETREGSET && addr == (void *)NT_X86_XSTATE)
		return xstate_set(pid, addr, data);
	return real_ptrace(request, pid, addr, data);
}
