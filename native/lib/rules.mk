# libvitrine.so: the ops of the host and a few calls more, for the daemon.
LIBRARY_SOURCES := $(wildcard lib/*.c)

TARGETS += $(BUILD)/libvitrine.so
$(BUILD)/libvitrine.so: $(OP_SOURCES) $(LIBRARY_SOURCES) lib/exports.map $(wildcard exec/*.h lib/*.h include/*.h) | $(BUILD)
	$(CC) $(CPPFLAGS) $(CFLAGS) -fPIC -shared -o $@ $(OP_SOURCES) $(LIBRARY_SOURCES) \
		-Wl,--version-script=lib/exports.map -Wl,-z,noexecstack -Wl,-z,relro -Wl,-z,now -Wl,-Bsymbolic
