/* WinSCard.dll for tests in Wine, which has no PC/SC service: hands each call to the service of the tests (service.rs), and
 * answers as that does. Without one, or without TOKENTAP_TEST_SCARD (its port on loopback), no service runs. */
#define WIN32_LEAN_AND_MEAN /* without winscard.h, whose functions these are */
#include <winsock2.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define NO_SERVICE ((LONG)0x8010001D)
#define INSUFFICIENT_BUFFER ((LONG)0x80100008)
#define MOST 4096

typedef struct { DWORD protocol, length; } PCI;
const PCI g_rgSCardT0Pci = {1, 8}, g_rgSCardT1Pci = {2, 8}, g_rgSCardRawPci = {4, 8};

typedef struct {
    const char *name;
    void *user;
    DWORD current, event, atr_length;
    BYTE atr[36];
} STATE;

/* A call: its number, three arguments and bytes; the answer has a code, two numbers and bytes. */
enum { ESTABLISH = 1, RELEASE, LIST, STATUS, CONNECT, RECONNECT, DISCONNECT, BEGIN, END, TRANSMIT, CANCEL };

static int send_all(SOCKET s, const char *data, int length) {
    while (length > 0) {
        int sent = send(s, data, length, 0);
        if (sent <= 0) return 0;
        data += sent, length -= sent;
    }
    return 1;
}

static int receive_all(SOCKET s, char *data, int length) {
    while (length > 0) {
        int got = recv(s, data, length, 0);
        if (got <= 0) return 0;
        data += got, length -= got;
    }
    return 1;
}

/* Once for all threads: Wine counts the calls without a lock. */
BOOL WINAPI DllMain(HINSTANCE self, DWORD reason, void *reserved) {
    WSADATA version;
    return reason != DLL_PROCESS_ATTACH || !WSAStartup(MAKEWORD(2, 2), &version);
}

static LONG call(uint32_t number, uint32_t a, uint32_t b, uint32_t c, const void *data, uint32_t length, uint32_t numbers[2],
                 char *answer, uint32_t *answer_length) {
    const char *port = getenv("TOKENTAP_TEST_SCARD");
    LONG code = NO_SERVICE;
    if (!port) return NO_SERVICE;
    SOCKET s = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in to = {0};
    to.sin_family = AF_INET;
    to.sin_port = htons((u_short)atoi(port));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    uint32_t head[5] = {number, a, b, c, length}, back[4];
    if (!connect(s, (struct sockaddr *)&to, sizeof to) && send_all(s, (char *)head, sizeof head) && send_all(s, data, length) &&
        receive_all(s, (char *)back, sizeof back) && back[3] <= MOST && receive_all(s, answer, back[3])) {
        code = (LONG)back[0];
        numbers[0] = back[1], numbers[1] = back[2];
        *answer_length = back[3];
    }
    closesocket(s);
    return code;
}

static LONG plain(uint32_t number, uint32_t a, uint32_t b, uint32_t numbers[2]) {
    char answer[MOST];
    uint32_t length;
    return call(number, a, b, 0, "", 0, numbers, answer, &length);
}

LONG WINAPI SCardEstablishContext(DWORD scope, const void *r1, const void *r2, ULONG_PTR *context) {
    uint32_t numbers[2] = {0};
    LONG code = plain(ESTABLISH, 0, 0, numbers);
    *context = numbers[0];
    return code;
}

LONG WINAPI SCardReleaseContext(ULONG_PTR context) {
    uint32_t numbers[2];
    return plain(RELEASE, (uint32_t)context, 0, numbers);
}

LONG WINAPI SCardCancel(ULONG_PTR context) {
    uint32_t numbers[2];
    return plain(CANCEL, (uint32_t)context, 0, numbers);
}

LONG WINAPI SCardListReadersA(ULONG_PTR context, const char *groups, char *names, DWORD *length) {
    char answer[MOST];
    uint32_t numbers[2], got = 0;
    LONG code = call(LIST, (uint32_t)context, 0, 0, "", 0, numbers, answer, &got);
    if (code) return code;
    if (names && *length < got) code = INSUFFICIENT_BUFFER;
    else if (names) memcpy(names, answer, got);
    *length = got;
    return code;
}

LONG WINAPI SCardGetStatusChangeA(ULONG_PTR context, DWORD timeout, STATE *states, DWORD count) {
    char question[MOST] = {0}, answer[MOST];
    uint32_t numbers[2], got = 0, length = 0;
    for (DWORD i = 0; i < count; i++) {
        uint32_t name = (uint32_t)strlen(states[i].name) + 1, current = states[i].current;
        if (length + name + 4 > MOST) return INSUFFICIENT_BUFFER;
        memcpy(question + length, &current, 4);
        memcpy(question + length + 4, states[i].name, name);
        length += name + 4;
    }
    LONG code = call(STATUS, (uint32_t)context, timeout, count, question, length, numbers, answer, &got);
    /* For each reader its state, the length of the ATR and 36 bytes. */
    for (DWORD i = 0; i < count && (i + 1) * 44 <= got; i++) {
        memcpy(&states[i].event, answer + i * 44, 4);
        memcpy(&states[i].atr_length, answer + i * 44 + 4, 4);
        memcpy(states[i].atr, answer + i * 44 + 8, 36);
    }
    return code;
}

LONG WINAPI SCardConnectA(ULONG_PTR context, const char *reader, DWORD share, DWORD protocols, ULONG_PTR *card, DWORD *active) {
    char answer[MOST];
    uint32_t numbers[2] = {0}, got;
    LONG code = call(CONNECT, (uint32_t)context, share, protocols, reader, (uint32_t)strlen(reader), numbers, answer, &got);
    *card = numbers[0], *active = numbers[1];
    return code;
}

LONG WINAPI SCardReconnect(ULONG_PTR card, DWORD share, DWORD protocols, DWORD initialization, DWORD *active) {
    uint32_t numbers[2] = {0};
    LONG code = plain(RECONNECT, (uint32_t)card, initialization, numbers);
    *active = numbers[1];
    return code;
}

LONG WINAPI SCardDisconnect(ULONG_PTR card, DWORD disposition) {
    uint32_t numbers[2];
    return plain(DISCONNECT, (uint32_t)card, disposition, numbers);
}

LONG WINAPI SCardBeginTransaction(ULONG_PTR card) {
    uint32_t numbers[2];
    return plain(BEGIN, (uint32_t)card, 0, numbers);
}

LONG WINAPI SCardEndTransaction(ULONG_PTR card, DWORD disposition) {
    uint32_t numbers[2];
    return plain(END, (uint32_t)card, disposition, numbers);
}

LONG WINAPI SCardTransmit(ULONG_PTR card, const void *pci, const BYTE *sent, DWORD sent_length, void *back_pci, BYTE *back,
                          DWORD *back_length) {
    char answer[MOST];
    uint32_t numbers[2], got = 0;
    LONG code = call(TRANSMIT, (uint32_t)card, 0, 0, sent, sent_length, numbers, answer, &got);
    if (!code && got > *back_length) return INSUFFICIENT_BUFFER;
    if (!code) memcpy(back, answer, got);
    *back_length = got;
    return code;
}
