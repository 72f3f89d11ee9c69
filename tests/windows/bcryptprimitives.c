/* A stand-in for a library of Windows that Wine 8 lacks: Rust's standard library takes its random numbers from there. For
   tests in Wine alone; it is never delivered. */
#include <windows.h>

BOOLEAN NTAPI SystemFunction036(PVOID, ULONG); /* RtlGenRandom, advapi32 */

__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE data, SIZE_T length)
{
    return SystemFunction036(data, (ULONG)length);
}
