#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/registers.h"

static const unsigned char text[64] =
    "What a callback says may not wait in a register for the next one";
static const unsigned char zero[64];

#if defined(__x86_64__)

static void
a_low_register_holds_nothing_of_what_was_copied(void **state)
{
	unsigned char after[16];

	(void)state;
	__asm__ volatile("movdqu %0, %%xmm6" : : "m"(text) : "xmm6");
	registers_wipe();
	__asm__ volatile("movdqu %%xmm6, %0" : "=m"(after));
	assert_memory_equal(after, zero, sizeof(after));
}

static void
the_upper_half_of_a_wide_register_holds_nothing(void **state)
{
	unsigned char after[32];

	(void)state;
	if (!__builtin_cpu_supports("avx"))
		return; /* there is none */
	__asm__ volatile("vmovdqu %0, %%ymm7" : : "m"(text) : "xmm7");
	registers_wipe();
	__asm__ volatile("vmovdqu %%ymm7, %0" : "=m"(after));
	assert_memory_equal(after, zero, sizeof(after));
}

static void
the_registers_of_avx_512_hold_nothing(void **state)
{
	unsigned char after[64];

	(void)state;
	if (!__builtin_cpu_supports("avx512f"))
		return; /* there are none */
	__asm__ volatile("vmovdqu64 %0, %%zmm16\n\tvmovdqu64 %0, %%zmm31"
			 :
			 : "m"(text));
	registers_wipe();
	__asm__ volatile("vmovdqu64 %%zmm16, %0" : "=m"(after));
	assert_memory_equal(after, zero, sizeof(after));
	__asm__ volatile("vmovdqu64 %%zmm31, %0" : "=m"(after));
	assert_memory_equal(after, zero, sizeof(after));
}

#else

static void
a_low_register_holds_nothing_of_what_was_copied(void **state)
{
	(void)state;
	registers_wipe();
	assert_memory_not_equal(text, zero, sizeof(text));
}

#endif

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    a_low_register_holds_nothing_of_what_was_copied),
#if defined(__x86_64__)
		cmocka_unit_test(
		    the_upper_half_of_a_wide_register_holds_nothing),
		cmocka_unit_test(the_registers_of_avx_512_hold_nothing),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
