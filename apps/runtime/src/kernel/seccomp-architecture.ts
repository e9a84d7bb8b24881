/** Architectures of seccomp profiles: AUDIT_ARCH_ numbers (linux/audit.h), as seccomp_arch_add(3) takes them. */

/** Architectures libseccomp knows; value: how the kernel's audit calls it. */
export const seccompArchitectures: Readonly<Record<string, number>> = {
  SCMP_ARCH_X86: 0x4000_0003,
  SCMP_ARCH_X86_64: 0xc000_003e,
  SCMP_ARCH_X32: 0x4000_003e,
  SCMP_ARCH_ARM: 0x4000_0028,
  SCMP_ARCH_AARCH64: 0xc000_00b7,
  SCMP_ARCH_MIPS: 8,
  SCMP_ARCH_MIPS64: 0x8000_0008,
  SCMP_ARCH_MIPS64N32: 0xa000_0008,
  SCMP_ARCH_MIPSEL: 0x4000_0008,
  SCMP_ARCH_MIPSEL64: 0xc000_0008,
  SCMP_ARCH_MIPSEL64N32: 0xe000_0008,
  SCMP_ARCH_PPC: 20,
  SCMP_ARCH_PPC64: 0x8000_0015,
  SCMP_ARCH_PPC64LE: 0xc000_0015,
  SCMP_ARCH_S390: 22,
  SCMP_ARCH_S390X: 0x8000_0016,
  SCMP_ARCH_RISCV64: 0xc000_00f3,
};
