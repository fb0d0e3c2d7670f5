// SPDX-License-Identifier: Apache-2.0

#include "sandbox.h"

#include "log.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

static int failed(const char *what, int error)
{
	log_event(LOG_CONTROLPLANE_FAILED, NULL, "s:s, s:s", "reason", what, "error",
		strerror(error));
	return error ? -error : -EINVAL;
}

int sandbox_drop(const char *user)
{
	struct passwd *pw;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return failed("no_new_privs", errno);
	if (geteuid() != 0 || !*user)
		return 0;
	pw = getpwnam(user);
	if (!pw) {
		log_event(LOG_CONTROLPLANE_FAILED, NULL, "s:s, s:s, s:s", "reason", "no such user",
			"name", user, "fix",
			"create it with 'useradd --system USER', or change `user` in the config");
		return -ENOENT;
	}
	if (initgroups(user, pw->pw_gid) < 0 || setgid(pw->pw_gid) < 0 || setuid(pw->pw_uid) < 0)
		return failed("cannot become the user of the config", errno);
	if (setuid(0) == 0)
		return failed("root can be regained", EPERM);
	return 0;
}

// Sanitizers need system calls of their own, at any time.
#ifndef __has_feature
#define __has_feature(word) 0 // clang's word for what gcc defines
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || \
	__has_feature(address_sanitizer) || __has_feature(thread_sanitizer)

int sandbox_filter(const struct config *config)
{
	(void)config;
	return 0;
}

#else

static const int allowed[] = {
	// The event loop: libuv waits here, and wakes itself.
	SCMP_SYS(epoll_wait),
	SCMP_SYS(epoll_pwait),
	SCMP_SYS(epoll_ctl),
	SCMP_SYS(epoll_create1),
	SCMP_SYS(poll),
	SCMP_SYS(ppoll),
	SCMP_SYS(select),
	SCMP_SYS(pselect6),
	SCMP_SYS(eventfd2),
	SCMP_SYS(pipe2),
	SCMP_SYS(timerfd_create),
	SCMP_SYS(timerfd_settime),
	// Descriptors that are open: API clients, eventfds, the log.
	SCMP_SYS(read),
	SCMP_SYS(readv),
	SCMP_SYS(write),
	SCMP_SYS(writev),
	SCMP_SYS(close),
	SCMP_SYS(fcntl),
	SCMP_SYS(ioctl),
	SCMP_SYS(fstat),
	SCMP_SYS(newfstatat),
	SCMP_SYS(lseek),
	SCMP_SYS(dup),
	SCMP_SYS(sendfile),
	// The dataplane's socket, and the API's clients. socket() is restricted below.
	SCMP_SYS(connect),
	SCMP_SYS(accept),
	SCMP_SYS(accept4),
	SCMP_SYS(recvmsg),
	SCMP_SYS(recvfrom),
	SCMP_SYS(sendmsg),
	SCMP_SYS(sendto),
	SCMP_SYS(shutdown),
	SCMP_SYS(getsockopt),
	SCMP_SYS(setsockopt),
	SCMP_SYS(getsockname),
	SCMP_SYS(getpeername),
	// Memory, and the mapping of a new channel.
	SCMP_SYS(mmap),
	SCMP_SYS(munmap),
	SCMP_SYS(mremap),
	SCMP_SYS(mprotect),
	SCMP_SYS(madvise),
	SCMP_SYS(brk),
	// Threads, which are all started under the filter.
	SCMP_SYS(futex),
	SCMP_SYS(clone),
	SCMP_SYS(clone3),
	SCMP_SYS(set_robust_list),
	SCMP_SYS(rseq),
	SCMP_SYS(sched_yield),
	SCMP_SYS(sched_getaffinity),
	SCMP_SYS(gettid),
	SCMP_SYS(getpid),
	// Signals: SIGTERM ends us in order.
	SCMP_SYS(rt_sigaction),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(sigaltstack),
	SCMP_SYS(tgkill),
	SCMP_SYS(restart_syscall),
	// Time and random numbers.
	SCMP_SYS(clock_gettime),
	SCMP_SYS(clock_nanosleep),
	SCMP_SYS(nanosleep),
	SCMP_SYS(gettimeofday),
	SCMP_SYS(getrandom),
	// Who we are: libcrypto asks whether we run with raised privileges.
	SCMP_SYS(getuid),
	SCMP_SYS(geteuid),
	SCMP_SYS(getgid),
	SCMP_SYS(getegid),
	// Files that libcrypto and libmicrohttpd may look for, and our API socket at the end.
	SCMP_SYS(openat),
	SCMP_SYS(access),
	SCMP_SYS(readlink),
	SCMP_SYS(unlink),
	SCMP_SYS(unlinkat),
	// The end.
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
};

// CRLs and OCSP answers by HTTP (ike/fetch.c): TCP, and a resolver on the way there.
static const int fetching[] = {
	SCMP_SYS(bind),     // the resolver's netlink socket, which tells it what addresses we have
	SCMP_SYS(sendmmsg), // A and AAAA in one call
	SCMP_SYS(uname),    // the resolver's host name
	SCMP_SYS(pread64),  // libraries of nsswitch.conf
};

// RADIUS: UDP sockets are bound to radius.source, and made when there is more to ask.
static const int asking[] = {
	SCMP_SYS(bind),
};

// The spool of accounting: LMDB writes its pages, and has them written out at the end.
static const int spooling[] = {
	SCMP_SYS(pwrite64),
	SCMP_SYS(pwritev),
	SCMP_SYS(pread64),
	SCMP_SYS(fdatasync),
	SCMP_SYS(fsync),
	SCMP_SYS(msync),
};

// The families of sockets that may be made. Towards the dataplane always; others only where a CRL,
// an OCSP responder or a RADIUS server may have to be asked, for nothing else here ever speaks to
// the network.
static const unsigned families_always[] = {AF_UNIX};
static const unsigned families_asking[] = {AF_INET, AF_INET6};
static const unsigned families_fetching[] = {AF_INET, AF_INET6, AF_NETLINK};

// Certificates of peers may name places themselves, so any authority makes it possible.
static bool fetches(const struct config *config)
{
	return config->certificates.authority_count > 0 &&
	       config->certificates.revocation != REVOCATION_OFF;
}

static int allow_calls(scmp_filter_ctx filter, const int *calls, size_t count)
{
	int error = 0;

	for (size_t i = 0; error == 0 && i < count; i++)
		error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 0);
	return error;
}

static int allow_families(scmp_filter_ctx filter, const unsigned *families, size_t count)
{
	int error = 0;

	for (size_t i = 0; error == 0 && i < count; i++)
		error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
			SCMP_A0(SCMP_CMP_EQ, families[i]));
	return error;
}

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

// Servers are given by address, so no resolver is needed.
static bool asks(const struct config *config)
{
	return config->radius.server_count > 0;
}

static int add_rules(scmp_filter_ctx filter, const struct config *config)
{
	int error = allow_calls(filter, allowed, COUNT(allowed));

	if (error == 0)
		error = allow_families(filter, families_always, COUNT(families_always));
	if (error == 0 && fetches(config))
		error = allow_calls(filter, fetching, COUNT(fetching));
	if (error == 0 && fetches(config))
		error = allow_families(filter, families_fetching, COUNT(families_fetching));
	if (error == 0 && asks(config))
		error = allow_calls(filter, asking, COUNT(asking));
	if (error == 0 && *config->radius.spool)
		error = allow_calls(filter, spooling, COUNT(spooling));
	if (error == 0 && asks(config))
		error = allow_families(filter, families_asking, COUNT(families_asking));
	return error;
}

int sandbox_filter(const struct config *config)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int error;

	if (!filter)
		return failed("seccomp", ENOMEM);
	error = add_rules(filter, config);
	if (error == 0)
		error = seccomp_load(filter);
	seccomp_release(filter);
	return error ? failed("seccomp", -error) : 0;
}

#endif
