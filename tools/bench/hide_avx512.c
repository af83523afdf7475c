/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hide_avx512.c - makes a machine with AVX-512 look like one that has AVX2 only.
 *
 *     LD_PRELOAD=build/hide_avx512.so COMMAND
 *
 * Every engine asks the CPUID instruction what it may use, and few can be told otherwise.  Where the
 * CPU can make CPUID fault (Linux, Intel since Ivy Bridge: arch_prctl(ARCH_SET_CPUID, 0)), the fault
 * is caught and answered with AVX-512, AVX-VNNI and AMX taken out.  All engines then race on the same
 * terms.  It is set for each thread, and inherited, so the constructor's is enough; children that
 * load this library too set it again.  For benchmarks alone.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#define ARCH_SET_CPUID 0x1012 /* asm/prctl.h */
#define BIT(n) (1u << (n))

enum { EAX, EBX, ECX, EDX };

static int set_cpuid(int enabled) { return (int)syscall(SYS_arch_prctl, ARCH_SET_CPUID, enabled); }

static void real_cpuid(uint32_t leaf, uint32_t subleaf, uint32_t r[4])
{
    set_cpuid(1);
    __asm__ volatile("cpuid"
                     : "=a"(r[EAX]), "=b"(r[EBX]), "=c"(r[ECX]), "=d"(r[EDX])
                     : "a"(leaf), "c"(subleaf));
    set_cpuid(0);
}

/* Feature bits: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2, CPUID. */
static void hide(uint32_t leaf, uint32_t subleaf, uint32_t r[4])
{
    if (leaf == 7 && subleaf == 0) {
        /* AVX512F DQ IFMA PF ER CD BW VL; VBMI VBMI2 VNNI BITALG VPOPCNTDQ; 4VNNIW 4FMAPS
         * VP2INTERSECT AMX-BF16 FP16 AMX-TILE AMX-INT8 */
        r[EBX] &= ~(BIT(16) | BIT(17) | BIT(21) | BIT(26) | BIT(27) | BIT(28) | BIT(30) | BIT(31));
        r[ECX] &= ~(BIT(1) | BIT(6) | BIT(11) | BIT(12) | BIT(14));
        r[EDX] &= ~(BIT(2) | BIT(3) | BIT(8) | BIT(22) | BIT(23) | BIT(24) | BIT(25));
    } else if (leaf == 7 && subleaf == 1) {
        /* AVX-VNNI AVX512-BF16 AMX-FP16 AVX-IFMA; AVX-VNNI-INT8 AVX-NE-CONVERT AMX-COMPLEX
         * AVX-VNNI-INT16 AVX10 */
        r[EAX] &= ~(BIT(4) | BIT(5) | BIT(21) | BIT(23));
        r[EDX] &= ~(BIT(4) | BIT(5) | BIT(8) | BIT(10) | BIT(19));
    } else if (leaf == 13 && subleaf == 0) {
        r[EAX] &= ~(BIT(5) | BIT(6) | BIT(7) | BIT(17) | BIT(18)); /* their register state */
    }
}

static void on_fault(int signal_number, siginfo_t *info, void *context)
{
    greg_t *g = ((ucontext_t *)context)->uc_mcontext.gregs;
    const uint8_t *at = (const uint8_t *)g[REG_RIP];
    uint32_t leaf = (uint32_t)g[REG_RAX], subleaf = (uint32_t)g[REG_RCX], r[4];

    (void)info;
    if (at[0] != 0x0f || at[1] != 0xa2) { /* not CPUID: a fault of the program's own */
        signal(signal_number, SIG_DFL);
        return;
    }
    real_cpuid(leaf, subleaf, r);
    hide(leaf, subleaf, r);
    g[REG_RAX] = r[EAX];
    g[REG_RBX] = r[EBX];
    g[REG_RCX] = r[ECX];
    g[REG_RDX] = r[EDX];
    g[REG_RIP] += 2;
}

__attribute__((constructor)) static void start(void)
{
    struct sigaction action;

    memset(&action, 0, sizeof action);
    action.sa_sigaction = on_fault;
    action.sa_flags = SA_SIGINFO | SA_NODEFER;
    if (sigaction(SIGSEGV, &action, NULL) != 0 || set_cpuid(0) != 0) {
        fputs("hide_avx512: this CPU or kernel cannot make CPUID fault\n", stderr);
        _exit(2);
    }
}
