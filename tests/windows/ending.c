// Starts a program, and does after a while what Windows does to it: an event of its console is raised on a thread of its own, and
// where the console ends (2: its window is closed), the program is ended as soon as its handlers have returned, or after five seconds.
// ending.exe EVENT MILLISECONDS PROGRAM ARGUMENTS
#include <stdio.h>
#include <stdlib.h>
#include <wchar.h>
#include <windows.h>

static wchar_t *after_words(wchar_t *line, int words) {
    for (; words > 0; words--) {
        if (*line == L'"') {
            line = wcschr(line + 1, L'"') + 1;
        } else {
            line += wcscspn(line, L" ");
        }
        line += wcsspn(line, L" ");
    }
    return line;
}

int main(void) {
    wchar_t *line = GetCommandLineW();
    DWORD event = wcstoul(after_words(line, 1), NULL, 10), pause = wcstoul(after_words(line, 2), NULL, 10);
    STARTUPINFOW start = {.cb = sizeof start};
    PROCESS_INFORMATION program;
    if (!CreateProcessW(NULL, after_words(line, 3), NULL, NULL, TRUE, 0, NULL, NULL, &start, &program)) {
        fprintf(stderr, "it cannot be started: %lu\n", GetLastError());
        return 99;
    }
    DWORD exit = 99;
    if (WaitForSingleObject(program.hProcess, pause) == WAIT_TIMEOUT) {
        // What csrss.exe starts there.
        void *raise = (void *)GetProcAddress(GetModuleHandleW(L"kernelbase.dll"), "CtrlRoutine");
        HANDLE thread = CreateRemoteThread(program.hProcess, NULL, 0, raise, (void *)(ULONG_PTR)event, 0, NULL);
        if (!raise || !thread) {
            fprintf(stderr, "no event can be raised: %lu\n", GetLastError());
            TerminateProcess(program.hProcess, 99);
        } else if (event == CTRL_CLOSE_EVENT) {
            WaitForSingleObject(thread, 5000);
            TerminateProcess(program.hProcess, 98);
        }
    }
    WaitForSingleObject(program.hProcess, INFINITE);
    GetExitCodeProcess(program.hProcess, &exit);
    return (int)exit;
}
