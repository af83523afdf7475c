/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dispatch.c - which kernels this CPU can run.
 *
 * One constant table for each instruction set, made from kernels.def.  Detection asks the CPU (x86:
 * CPUID, and XGETBV for the registers that the operating system saves; Arm: the auxiliary vector)
 * at every call: it takes a microsecond, is called once for each context, and so there is no
 * constructor, no lock and no mutable state.
 */
#include "list.h"

#if RLV_X86
#include <cpuid.h>
#endif
#if RLV_ARM && defined(__linux__)
#include <sys/auxv.h>
#endif

#ifndef RLV_SIMDE_BUILD /* 1: the AVX-512 kernels are emulated with AVX2 (make SIMDE=1) */
#define RLV_SIMDE_BUILD 0
#endif

#define RLV_KERNEL(field, scalar, avx2, avx512, avx512vnni, amx, neon, neondot, neoni8mm)          \
    .field = rlv_##field##_##scalar,
static const struct rlv_kernels table_scalar = {
    .name = "scalar",
#include "kernels.def"
};
#undef RLV_KERNEL

#if RLV_X86
#ifndef RLV_HAS_AMX /* 0: a compiler that does not know it */
#define RLV_HAS_AMX 1
#endif

#define RLV_KERNEL(field, scalar, avx2, avx512, avx512vnni, amx, neon, neondot, neoni8mm)          \
    .field = rlv_##field##_##avx2,
static const struct rlv_kernels table_avx2 = {
    .name = "avx2",
#include "kernels.def"
};
#undef RLV_KERNEL

#define RLV_KERNEL(field, scalar, avx2, avx512, avx512vnni, amx, neon, neondot, neoni8mm)          \
    .field = rlv_##field##_##avx512,
static const struct rlv_kernels table_avx512 = {
    .name = "avx512",
#include "kernels.def"
};
#undef RLV_KERNEL

#define RLV_KERNEL(field, scalar, avx2, avx512, avx512vnni, amx, neon, neondot, neoni8mm)          \
    .field = rlv_##field##_##avx512vnni,
static const struct rlv_kernels table_avx512vnni = {
    .name = "avx512vnni",
#include "kernels.def"
};
#undef RLV_KERNEL

#if RLV_HAS_AMX
#define RLV_KERNEL(field, scalar, avx2, avx512, avx512vnni, amx, neon, neondot, neoni8mm)          \
    .field = rlv_##field##_##amx,
static const struct rlv_kernels table_amx = {
    .name = "amx",
#include "kernels.def"
};
#undef RLV_KERNEL
#endif

/* Extended control register 0: which register files the operating system saves. */
static uint64_t read_xcr0(void)
{
    uint32_t low, high;
    /* In bytes, since _xgetbv() would need -mxsave for this whole file. */
    __asm__ volatile(".byte 0x0f, 0x01, 0xd0" : "=a"(low), "=d"(high) : "c"(0));
    return (uint64_t)high << 32 | low;
}

#define XCR0_YMM 0x06u /* SSE and AVX state */
#define XCR0_ZMM 0xe6u /* and opmask, upper halves of zmm0-15, zmm16-31 */
#define XCR0_TILES (1u << 17 | 1u << 18)
#define EDX7_AMX (1u << 24 | 1u << 25) /* TILE, INT8 */
#define EBX7_AVX512 (1u << 16 | 1u << 17 | 1u << 30 | 1u << 31) /* F, DQ, BW, VL */

/*
 * May this process use tiles?  Linux gives them to those who ask, once for all threads, since they
 * make what is saved of a thread 8 KB larger (Documentation/arch/x86/xstate.rst).  It refuses where
 * a thread has an alternate signal stack without room for that.
 */
static int tiles_permitted(void)
{
#if defined(__linux__) && defined(__LP64__)
    long result;
    /* arch_prctl(ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA); no C library has a function for it. */
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(158L), "D"(0x1023L), "S"(18L)
                     : "rcx", "r11", "memory");
    return result == 0;
#else
    return 0;
#endif
}

/* The best instruction set of this CPU.  The bits of CPUID: Intel SDM volume 2, table of CPUID. */
static int cpu_isa(void)
{
    unsigned a, b, c, d, b7, c7, d7;
    uint64_t xcr0;

    if (!__get_cpuid(1, &a, &b, &c, &d))
        return RLV_ISA_SCALAR;
    /* FMA, OSXSAVE, AVX, F16C */
    if (~c & (1u << 12 | 1u << 27 | 1u << 28 | 1u << 29))
        return RLV_ISA_SCALAR;
    xcr0 = read_xcr0();
    if ((xcr0 & XCR0_YMM) != XCR0_YMM || !__get_cpuid_count(7, 0, &a, &b7, &c7, &d7))
        return RLV_ISA_SCALAR;
    if (!(b7 & 1u << 5)) /* AVX2 */
        return RLV_ISA_SCALAR;
    if ((xcr0 & XCR0_ZMM) != XCR0_ZMM || (b7 & EBX7_AVX512) != EBX7_AVX512)
        return RLV_ISA_AVX2;
    if (!(c7 & 1u << 11)) /* VNNI */
        return RLV_ISA_AVX512;
    if (!RLV_HAS_AMX || (xcr0 & XCR0_TILES) != XCR0_TILES || (d7 & EDX7_AMX) != EDX7_AMX)
        return RLV_ISA_AVX512VNNI;
    return tiles_permitted() ? RLV_ISA_AMX : RLV_ISA_AVX512VNNI;
}

#elif RLV_ARM
#ifndef RLV_HAS_NEONDOT /* 0: a compiler that cannot mix them into one file (amalgamation) */
#define RLV_HAS_NEONDOT 1
#endif
#ifndef RLV_HAS_NEONI8MM
#define RLV_HAS_NEONI8MM 1
#endif

#define RLV_KERNEL(field, scalar, avx2, avx512, avx512vnni, amx, neon, neondot, neoni8mm)          \
    .field = rlv_##field##_##neon,
static const struct rlv_kernels table_neon = {
    .name = "neon",
#include "kernels.def"
};
#undef RLV_KERNEL

#if RLV_HAS_NEONDOT
#define RLV_KERNEL(field, scalar, avx2, avx512, avx512vnni, amx, neon, neondot, neoni8mm)          \
    .field = rlv_##field##_##neondot,
static const struct rlv_kernels table_neondot = {
    .name = "neondot",
#include "kernels.def"
};
#undef RLV_KERNEL
#endif

#if RLV_HAS_NEONI8MM
#define RLV_KERNEL(field, scalar, avx2, avx512, avx512vnni, amx, neon, neondot, neoni8mm)          \
    .field = rlv_##field##_##neoni8mm,
static const struct rlv_kernels table_neoni8mm = {
    .name = "neoni8mm",
#include "kernels.def"
};
#undef RLV_KERNEL
#endif

static int cpu_isa(void)
{
#if defined(__linux__)
    /* Bits of the Linux ABI (arch/arm64/include/uapi/asm/hwcap.h); old headers lack the second. */
    const unsigned long asimddp = 1ul << 20, i8mm = 1ul << 13;
    if (!RLV_HAS_NEONDOT || !(getauxval(AT_HWCAP) & asimddp))
        return RLV_ISA_NEON;
    return RLV_HAS_NEONI8MM && getauxval(AT_HWCAP2) & i8mm ? RLV_ISA_NEONI8MM : RLV_ISA_NEONDOT;
#elif defined(__APPLE__) && RLV_HAS_NEONDOT
    return RLV_ISA_NEONDOT; /* every Apple arm64 machine of the Mac has it */
#else
    return RLV_ISA_NEON;
#endif
}

#else
static int cpu_isa(void) { return RLV_ISA_SCALAR; }
#endif

int rlv_kernels_best(void) { return cpu_isa(); }

const struct rlv_kernels *rlv_kernels_get(int isa)
{
    int best = cpu_isa();

    if (RLV_SIMDE_BUILD && best >= RLV_ISA_AVX2)
        best = RLV_ISA_AMX;
    /* Each family's numbers ascend, and each member includes the ones before it. */
    switch (isa) {
    case RLV_ISA_SCALAR: return &table_scalar;
#if RLV_X86
    case RLV_ISA_AVX2: return best >= RLV_ISA_AVX2 ? &table_avx2 : NULL;
    case RLV_ISA_AVX512: return best >= RLV_ISA_AVX512 ? &table_avx512 : NULL;
    case RLV_ISA_AVX512VNNI: return best >= RLV_ISA_AVX512VNNI ? &table_avx512vnni : NULL;
#if RLV_HAS_AMX
    case RLV_ISA_AMX: return best >= RLV_ISA_AMX ? &table_amx : NULL;
#endif
#elif RLV_ARM
    case RLV_ISA_NEON: return &table_neon;
#if RLV_HAS_NEONDOT
    case RLV_ISA_NEONDOT: return best >= RLV_ISA_NEONDOT ? &table_neondot : NULL;
#endif
#if RLV_HAS_NEONI8MM
    case RLV_ISA_NEONI8MM: return best >= RLV_ISA_NEONI8MM ? &table_neoni8mm : NULL;
#endif
#endif
    default: (void)best; return NULL;
    }
}
