"""Which x86-64 level the processor and the operating system support.

A module of its own, compiled for the baseline: it runs before code of a higher level is loaded. The levels are those of
the x86-64 psABI (https://gitlab.com/x86-psABIs/x86-64-ABI, table "Micro-Architecture Levels"); the bits are those of
Intel's Software Developer's Manual, volume 2A (CPUID) and volume 1, 13.3 and 15.2 (the state that the system saves).
"""

cdef extern from *:
    r"""
    #if defined(__x86_64__) || (defined(_M_X64) && !defined(_M_ARM64EC))
    #ifdef _MSC_VER
    #include <immintrin.h>
    #include <intrin.h>
    static void autograd_c_cpuid(unsigned leaf, unsigned r[4]) { __cpuidex((int *)r, (int)leaf, 0); }
    static unsigned autograd_c_xcr0(void) { return (unsigned)_xgetbv(0); }
    #else
    #include <cpuid.h>
    static void autograd_c_cpuid(unsigned leaf, unsigned r[4]) { __cpuid_count(leaf, 0, r[0], r[1], r[2], r[3]); }
    static unsigned autograd_c_xcr0(void)
    {
        unsigned low, high;
        __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
        return low;
    }
    #endif

    #define BIT(n) (1u << (n))
    #define HAS(word, bits) (((word) & (bits)) == (bits))

    static const char *autograd_c_level(void)
    {
        /* Leaf 1, ECX: SSE3, SSSE3, CMPXCHG16B, SSE4.1, SSE4.2, POPCNT; FMA, MOVBE, OSXSAVE, AVX, F16C */
        const unsigned v2_1c = BIT(0) | BIT(9) | BIT(13) | BIT(19) | BIT(20) | BIT(23);
        const unsigned v3_1c = BIT(12) | BIT(22) | BIT(27) | BIT(28) | BIT(29);
        /* Leaf 0x80000001, ECX: LAHF/SAHF; LZCNT */
        const unsigned v3_81c = BIT(0) | BIT(5);
        /* Leaf 7, EBX: BMI1, AVX2, BMI2; AVX512F, DQ, CD, BW, VL */
        const unsigned v3_7b = BIT(3) | BIT(5) | BIT(8);
        const unsigned v4_7b = BIT(16) | BIT(17) | BIT(28) | BIT(30) | BIT(31);
        /* XCR0: the system saves SSE and AVX registers; opmasks and both parts of the ZMM registers */
        const unsigned v3_xcr0 = BIT(1) | BIT(2);
        const unsigned v4_xcr0 = v3_xcr0 | BIT(5) | BIT(6) | BIT(7);

        unsigned r[4], leaf_1c, leaf_7b, xcr0;
        autograd_c_cpuid(0, r);
        if (r[0] < 7)
            return "base";
        autograd_c_cpuid(1, r);
        leaf_1c = r[2];
        autograd_c_cpuid(7, r);
        leaf_7b = r[1];
        autograd_c_cpuid(0x80000000u, r);
        if (r[0] < 0x80000001u)
            return "base";
        autograd_c_cpuid(0x80000001u, r);
        /* XGETBV itself needs OSXSAVE, which is among the bits of v3. */
        if (!HAS(leaf_1c, v2_1c | v3_1c) || !HAS(leaf_7b, v3_7b) || !HAS(r[2], v3_81c))
            return "base";
        xcr0 = autograd_c_xcr0();
        if (!HAS(xcr0, v3_xcr0))
            return "base";
        return HAS(leaf_7b, v4_7b) && HAS(xcr0, v4_xcr0) ? "v4" : "v3";
    }
    #undef BIT
    #undef HAS
    #else
    /* Other architectures have one build. */
    static const char *autograd_c_level(void) { return "base"; }
    #endif

    #define AUTOGRAD_C_TEXT(x) #x
    #define AUTOGRAD_C_STRING(x) AUTOGRAD_C_TEXT(x)
    #if defined(__clang__)
    #define AUTOGRAD_C_COMPILER "clang " __clang_version__
    #elif defined(__GNUC__)
    #define AUTOGRAD_C_COMPILER "gcc " __VERSION__
    #elif defined(_MSC_VER)
    #define AUTOGRAD_C_COMPILER "MSVC " AUTOGRAD_C_STRING(_MSC_VER)
    #else
    #define AUTOGRAD_C_COMPILER "unknown"
    #endif
    """
    const char *autograd_c_level() noexcept
    const char *AUTOGRAD_C_COMPILER


def level():
    """Return "base", "v3" or "v4": the highest x86-64 level that may be used on this machine."""
    return autograd_c_level().decode()


def compiler():
    """Return the name and version of the C compiler that built the extension modules."""
    return AUTOGRAD_C_COMPILER.decode().rstrip()  # clang ends with a space
