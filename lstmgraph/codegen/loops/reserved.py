"""Words that a generated C file cannot use as names: those of C and C++, of the headers it includes, and its own.

The header can be included in C++, and after other headers.
"""

from __future__ import annotations

import re

_C = """
auto break case char const continue default do double else enum extern float for goto if inline int long register
restrict return short signed sizeof static struct switch typedef union unsigned void volatile while asm typeof near far
main
"""
_CPP = """
alignas alignof and and_eq bitand bitor bool catch char16_t char32_t char8_t class co_await co_return co_yield compl
concept const_cast consteval constexpr constinit decltype delete dynamic_cast explicit export false friend mutable
namespace new noexcept not not_eq nullptr operator or or_eq private protected public reinterpret_cast requires
static_assert static_cast template this thread_local throw true try typeid typename using virtual wchar_t xor xor_eq
"""
# Macros of C's headers, of the file's and of those that others may have included before, and of compilers.
_MACROS = """
NULL EOF BUFSIZ NAN INFINITY HUGE HUGE_VAL HUGE_VALF HUGE_VALL DOMAIN SING OVERFLOW UNDERFLOW PLOSS TLOSS MATH_ERRNO
MATH_ERREXCEPT math_errhandling errno assert complex imaginary I offsetof stdin stdout stderr CHAR_BIT RAND_MAX
L_tmpnam L_ctermid P_tmpdir M_E M_LOG2E M_LOG10E M_LN2 M_LN10 M_PI M_PI_2 M_PI_4 M_1_PI M_2_PI M_2_SQRTPI M_SQRT2
M_SQRT1_2 MAXFLOAT SIMD unix linux i386 mips sparc sun fpclassify isfinite isinf isnan isnormal signbit isgreater
isgreaterequal isless islessequal islessgreater isunordered MAX_CANON MAX_INPUT PIPE_BUF PTHREAD_DESTRUCTOR_ITERATIONS
PACK_SIZE
"""
_LIKE_MACROS = re.compile(
    r"[A-Z_0-9]+_(MAX|MIN|HEADER|CBLAS|SELFTEST|PACK_SIZE)|U?INT(MAX|\d+)_C|FP_[A-Z_0-9]+|SEEK_[A-Z]+"
)
# Functions of <math.h>, each also with f or l at its end, and of the other headers.
_MATH = """
acos asin atan atan2 cos sin tan acosh asinh atanh cosh sinh tanh exp exp2 expm1 log log10 log1p log2 logb ilogb pow
sqrt cbrt hypot erf erfc tgamma lgamma gamma ceil floor round lround llround trunc rint lrint llrint nearbyint nextafter
nexttoward nan fabs fmod modf frexp ldexp scalb scalbn scalbln copysign fdim fmax fmin fma remainder remquo drem finite
significand j0 j1 jn y0 y1 yn
"""
_LIBRARY = """
abs labs div index rindex signal signgam size_t ptrdiff_t float_t double_t fpos_t FILE remove rename rewind tmpfile
tmpnam fopen fclose fflush fread fwrite fgetc fgets fputc fputs getc getchar gets putc putchar puts ungetc printf
fprintf sprintf snprintf scanf fscanf sscanf setbuf setvbuf fseek ftell feof ferror perror clearerr popen pclose dprintf
getline getw putw bcmp bcopy bzero ffs memchr memcmp memcpy memmove memset memccpy mempcpy
strcat strchr strcmp strcoll strcpy strcspn strdup strerror strlen strncat strncmp strncpy strndup strnlen strpbrk
strrchr strsep strsignal strspn strstr strtok strxfrm strcasecmp strncasecmp stpcpy stpncpy malloc free exit
"""
_LIKE_TYPES = re.compile(r"u?int\w*_t")
# What the file calls its own, where a cell's values may stand beside it.
_OWN = """
T B t b row j l sizes params states prev next d_states grads work pack sum real BYTES ROWS LANES TILE HEIGHT DEPTH lanes
multiply block strips columns tile part_of_row end_of_row one_row lanes_at dots softmax sigmoid hyperbolic_tangent
exponential exp_parts times_power silu softplus rectified sign_of unit_step square larger smaller add_part first last
kept forward backward seed low span fill weight weighted wrong wrong_product wrong_products compared expected answer
numbers arrays taken few many failures next_output step_work
"""
_KEYWORDS = frozenset(f"{_C} {_CPP} {_MACROS}".split())
_FUNCTIONS = frozenset(word + end for word in _MATH.split() for end in ("", "f", "l"))
_WORDS = _KEYWORDS.union(_FUNCTIONS, _LIBRARY.split(), _OWN.split())


def is_keyword(word: str) -> bool:
    """Whether it can be no name at all, of a member of a struct neither."""
    return word in _KEYWORDS or _LIKE_MACROS.fullmatch(word) is not None


def is_reserved(word: str) -> bool:
    """Whether it can be no name of a value."""
    return word in _WORDS or is_keyword(word) or _LIKE_TYPES.fullmatch(word) is not None
