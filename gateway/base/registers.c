#include "base/registers.h"

#include "base/secret.h"

#if defined(__x86_64__)

/* The upper sixteen exist with AVX-512 only, and the compiler does not use
 * them; libraries do. */
static void
wipe_upper(void)
{
	__asm__ volatile("vpxorq %%zmm16, %%zmm16, %%zmm16\n\t"
			 "vpxorq %%zmm17, %%zmm17, %%zmm17\n\t"
			 "vpxorq %%zmm18, %%zmm18, %%zmm18\n\t"
			 "vpxorq %%zmm19, %%zmm19, %%zmm19\n\t"
			 "vpxorq %%zmm20, %%zmm20, %%zmm20\n\t"
			 "vpxorq %%zmm21, %%zmm21, %%zmm21\n\t"
			 "vpxorq %%zmm22, %%zmm22, %%zmm22\n\t"
			 "vpxorq %%zmm23, %%zmm23, %%zmm23\n\t"
			 "vpxorq %%zmm24, %%zmm24, %%zmm24\n\t"
			 "vpxorq %%zmm25, %%zmm25, %%zmm25\n\t"
			 "vpxorq %%zmm26, %%zmm26, %%zmm26\n\t"
			 "vpxorq %%zmm27, %%zmm27, %%zmm27\n\t"
			 "vpxorq %%zmm28, %%zmm28, %%zmm28\n\t"
			 "vpxorq %%zmm29, %%zmm29, %%zmm29\n\t"
			 "vpxorq %%zmm30, %%zmm30, %%zmm30\n\t"
			 "vpxorq %%zmm31, %%zmm31, %%zmm31"
			 :
			 :
			 :);
}

#define LOWER                                                            \
	"xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7",  \
	    "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", \
	    "xmm15"

static void
wipe(void)
{
	if (__builtin_cpu_supports("avx512f"))
		wipe_upper();
	if (__builtin_cpu_supports("avx")) {
		__asm__ volatile("vzeroall" : : : LOWER);
		return;
	}
	__asm__ volatile("pxor %%xmm0, %%xmm0\n\tpxor %%xmm1, %%xmm1\n\t"
			 "pxor %%xmm2, %%xmm2\n\tpxor %%xmm3, %%xmm3\n\t"
			 "pxor %%xmm4, %%xmm4\n\tpxor %%xmm5, %%xmm5\n\t"
			 "pxor %%xmm6, %%xmm6\n\tpxor %%xmm7, %%xmm7\n\t"
			 "pxor %%xmm8, %%xmm8\n\tpxor %%xmm9, %%xmm9\n\t"
			 "pxor %%xmm10, %%xmm10\n\tpxor %%xmm11, %%xmm11\n\t"
			 "pxor %%xmm12, %%xmm12\n\tpxor %%xmm13, %%xmm13\n\t"
			 "pxor %%xmm14, %%xmm14\n\tpxor %%xmm15, %%xmm15"
			 :
			 :
			 : LOWER);
}

#elif defined(__aarch64__)

static void
wipe(void)
{
#define ZERO(n) __asm__ volatile("movi v" #n ".2d, #0" : : : "v" #n)
	ZERO(0);
	ZERO(1);
	ZERO(2);
	ZERO(3);
	ZERO(4);
	ZERO(5);
	ZERO(6);
	ZERO(7);
	ZERO(8);
	ZERO(9);
	ZERO(10);
	ZERO(11);
	ZERO(12);
	ZERO(13);
	ZERO(14);
	ZERO(15);
	ZERO(16);
	ZERO(17);
	ZERO(18);
	ZERO(19);
	ZERO(20);
	ZERO(21);
	ZERO(22);
	ZERO(23);
	ZERO(24);
	ZERO(25);
	ZERO(26);
	ZERO(27);
	ZERO(28);
	ZERO(29);
	ZERO(30);
	ZERO(31);
#undef ZERO
}

#else

static void
wipe(void)
{
}

#endif

void
registers_wipe(void)
{
	if (SECRET_WIPES)
		wipe();
}
