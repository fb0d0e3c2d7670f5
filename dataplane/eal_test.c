// SPDX-License-Identifier: Apache-2.0

#include "dataplane/eal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct config config;
static struct eal_arguments arguments;

static bool has(const char *argument)
{
	for (int i = 0; i < arguments.count; i++)
		if (strcmp(arguments.argv[i], argument) == 0)
			return true;
	return false;
}

static int fill(void **state)
{
	memset(&config, 0, sizeof(config));
	config.dataplane.workers = 2;
	config.dataplane.cores[0] = 1;
	config.dataplane.cores[1] = 0;
	config.dataplane.cores_count = 2;
	config.dataplane.clerk_core = 0;
	config.dataplane.memory_mib = 256;
	config.port_count = 2;
	config.ports[0].mtu = 1500;
	config.ports[1].mtu = 9000;
	strcpy(config.ports[0].device, "net_af_packet0,iface=a");
	strcpy(config.ports[1].device, "net_af_packet1,iface=b");
	return 0;
}

static void test_virtual(void **state)
{
	assert_int_equal(eal_arguments(&arguments, &config), 0);
	assert_true(has("--no-huge") && has("--no-pci") && has("--no-shconf") && has("-m256"));
	assert_false(has("--in-memory"));
	assert_true(has("--lcores=0@0,1@1,2@0"));
	assert_true(has("--vdev=net_af_packet0,iface=a,qpairs=2"));
	assert_true(has("--vdev=net_af_packet1,iface=b,qpairs=2,blocksz=36864,framesz=9216,"
			"framecnt=512"));
	assert_null(arguments.argv[arguments.count]);
}

static void test_physical(void **state)
{
	char name[64];

	config.dataplane.hugepages = true;
	strcpy(config.ports[1].device, "0000:01:00.1,txq_inline=1");
	strcpy(config.dataplane.eal[0], "--huge-unlink");
	config.dataplane.eal_count = 1;
	assert_int_equal(eal_arguments(&arguments, &config), 0);
	assert_true(has("--in-memory") && has("--allow=0000:01:00.1,txq_inline=1"));
	assert_true(has("--huge-unlink"));
	assert_false(has("--no-huge") || has("--no-pci"));
	eal_device_name(&config.ports[1], name, sizeof(name));
	assert_string_equal(name, "0000:01:00.1");
}

static void test_chosen_cores(void **state)
{
	config.dataplane.cores_count = 0;
	config.dataplane.clerk_core = 0xffff;
	config.dataplane.workers = LIMIT_WORKERS; // more than there are CPUs
	assert_int_equal(eal_arguments(&arguments, &config), 0);
}

static void test_pci_address(void **state)
{
	assert_true(eal_device_is_pci("0000:01:00.0"));
	assert_false(eal_device_is_pci("net_tap0"));
	assert_false(eal_device_is_pci("0000:01:00.0x"));
	assert_false(eal_device_is_pci("01:00.0"));
}

static void test_too_long(void **state)
{
	memset(config.dataplane.eal[0], 'x', CONFIG_TEXT - 1);
	for (int i = 0; i < CONFIG_EAL; i++)
		memcpy(config.dataplane.eal[i], config.dataplane.eal[0], CONFIG_TEXT);
	config.dataplane.eal_count = CONFIG_EAL;
	assert_int_equal(eal_arguments(&arguments, &config), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_virtual, fill),
		cmocka_unit_test_setup(test_physical, fill),
		cmocka_unit_test_setup(test_chosen_cores, fill),
		cmocka_unit_test_setup(test_pci_address, fill),
		cmocka_unit_test_setup(test_too_long, fill),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
