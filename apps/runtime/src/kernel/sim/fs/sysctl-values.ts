/**
 * Names and first values of sysctls, one a line, as Linux 6.18 has them in a new namespace (proc_sys(5),
 * ip-sysctl.rst). A number after the name is the mode where it is not 644.
 */

/** Of a network namespace. */
export const netValues = `
net.core.optmem_max 131072
net.core.rmem_default:444 212992
net.core.rmem_max:444 4194304
net.core.somaxconn 4096
net.core.txrehash 1
net.core.wmem_default:444 212992
net.core.wmem_max:444 4194304
net.core.xfrm_acq_expires 30
net.ipv4.fib_multipath_hash_policy 0
net.ipv4.fib_multipath_use_neigh 0
net.ipv4.fwmark_reflect 0
net.ipv4.icmp_echo_enable_probe 0
net.ipv4.icmp_echo_ignore_all 0
net.ipv4.icmp_echo_ignore_broadcasts 1
net.ipv4.icmp_errors_use_inbound_ifaddr 0
net.ipv4.icmp_ignore_bogus_error_responses 1
net.ipv4.icmp_msgs_burst 50
net.ipv4.icmp_msgs_per_sec 1000
net.ipv4.icmp_ratelimit 1000
net.ipv4.icmp_ratemask 6168
net.ipv4.igmp_max_memberships 20
net.ipv4.igmp_max_msf 10
net.ipv4.igmp_qrv 2
net.ipv4.ip_autobind_reuse 0
net.ipv4.ip_default_ttl 64
net.ipv4.ip_dynaddr 0
net.ipv4.ip_early_demux 1
net.ipv4.ip_forward 0
net.ipv4.ip_forward_use_pmtu 0
net.ipv4.ip_local_port_range 32768 60999
net.ipv4.ip_local_reserved_ports
net.ipv4.ip_no_pmtu_disc 0
net.ipv4.ip_nonlocal_bind 0
net.ipv4.ip_unprivileged_port_start 1024
net.ipv4.ipfrag_high_thresh 4194304
net.ipv4.ipfrag_low_thresh 3145728
net.ipv4.ipfrag_time 30
net.ipv4.ping_group_range 1 0
net.ipv4.route.min_adv_mss 256
net.ipv4.route.min_pmtu 552
net.ipv4.tcp_abort_on_overflow 0
net.ipv4.tcp_adv_win_scale 1
net.ipv4.tcp_allowed_congestion_control:444 reno cubic
net.ipv4.tcp_app_win 31
net.ipv4.tcp_autocorking 1
net.ipv4.tcp_available_congestion_control:444 reno cubic
net.ipv4.tcp_base_mss 1024
net.ipv4.tcp_challenge_ack_limit 2147483647
net.ipv4.tcp_congestion_control cubic
net.ipv4.tcp_dsack 1
net.ipv4.tcp_early_retrans 3
net.ipv4.tcp_ecn 2
net.ipv4.tcp_ecn_fallback 1
net.ipv4.tcp_fastopen 1
net.ipv4.tcp_fin_timeout 60
net.ipv4.tcp_frto 2
net.ipv4.tcp_keepalive_intvl 75
net.ipv4.tcp_keepalive_probes 9
net.ipv4.tcp_keepalive_time 7200
net.ipv4.tcp_limit_output_bytes 4194304
net.ipv4.tcp_max_orphans 131072
net.ipv4.tcp_max_reordering 300
net.ipv4.tcp_max_syn_backlog 2048
net.ipv4.tcp_max_tw_buckets 131072
net.ipv4.tcp_min_snd_mss 48
net.ipv4.tcp_min_tso_segs 2
net.ipv4.tcp_moderate_rcvbuf 1
net.ipv4.tcp_mtu_probing 0
net.ipv4.tcp_no_metrics_save 0
net.ipv4.tcp_notsent_lowat 4294967295
net.ipv4.tcp_orphan_retries 0
net.ipv4.tcp_recovery 1
net.ipv4.tcp_reordering 3
net.ipv4.tcp_retries1 3
net.ipv4.tcp_retries2 15
net.ipv4.tcp_rfc1337 0
net.ipv4.tcp_rmem 4096 131072 33554432
net.ipv4.tcp_sack 1
net.ipv4.tcp_slow_start_after_idle 1
net.ipv4.tcp_syn_retries 6
net.ipv4.tcp_synack_retries 5
net.ipv4.tcp_syncookies 1
net.ipv4.tcp_timestamps 1
net.ipv4.tcp_tw_reuse 2
net.ipv4.tcp_window_scaling 1
net.ipv4.tcp_wmem 4096 16384 4194304
net.ipv4.udp_early_demux 1
net.ipv4.udp_rmem_min 4096
net.ipv4.udp_wmem_min 4096
net.ipv6.bindv6only 0
net.ipv6.flowlabel_consistency 1
net.ipv6.icmp.echo_ignore_all 0
net.ipv6.icmp.ratelimit 100
net.ipv6.idgen_retries 3
net.ipv6.ip_nonlocal_bind 0
net.ipv6.route.gc_thresh 1024
net.ipv6.route.max_size 2147483647
net.netfilter.nf_conntrack_max 262144
net.netfilter.nf_conntrack_tcp_timeout_established 432000
net.unix.max_dgram_qlen 10
`;

/** Of each device, and of "all" and "default": below net.ipv4.conf.DEVICE. */
export const deviceValues4 = `
accept_local 0
accept_redirects 1
accept_source_route 0
arp_accept 0
arp_announce 0
arp_filter 0
arp_ignore 0
arp_notify 0
bc_forwarding 0
disable_policy 0
disable_xfrm 0
forwarding 0
ignore_routes_with_linkdown 0
log_martians 0
mc_forwarding:444 0
medium_id 0
promote_secondaries 0
proxy_arp 0
proxy_arp_pvlan 0
route_localnet 0
rp_filter 0
secure_redirects 1
send_redirects 1
shared_media 1
src_valid_mark 0
tag 0
`;

/** Below net.ipv6.conf.DEVICE. */
export const deviceValues6 = `
accept_dad 1
accept_ra 1
accept_ra_defrtr 1
accept_redirects 1
accept_source_route 0
addr_gen_mode 0
autoconf 1
dad_transmits 1
disable_ipv6 0
disable_policy 0
forwarding 0
hop_limit 64
keep_addr_on_down 0
max_addresses 16
mtu 1280
optimistic_dad 0
proxy_ndp 0
router_solicitations -1
seg6_enabled 0
use_tempaddr 0
`;

/** Of an IPC namespace. */
export const ipcValues = `
kernel.auto_msgmni 0
kernel.msg_next_id:444 -1
kernel.msgmax 8192
kernel.msgmnb 16384
kernel.msgmni 32000
kernel.sem 32000 1024000000 500 32000
kernel.sem_next_id:444 -1
kernel.shm_next_id:444 -1
kernel.shm_rmid_forced 0
kernel.shmall 18446744073692774399
kernel.shmmax 18446744073692774399
kernel.shmmni 4096
fs.mqueue.msg_default 10
fs.mqueue.msg_max 10
fs.mqueue.msgsize_default 8192
fs.mqueue.msgsize_max 8192
fs.mqueue.queues_max 256
`;

/** Of the machine. */
export const machineValues = `
abi.vsyscall32 1
debug.exception-trace 1
fs.aio-max-nr 65536
fs.aio-nr:444 0
fs.file-max 2466177
fs.file-nr:444 613 0 2466177
fs.inotify.max_queued_events 16384
fs.inotify.max_user_instances 128
fs.inotify.max_user_watches 192536
fs.lease-break-time 45
fs.leases-enable 1
fs.mount-max 100000
fs.nr_open 1048576
fs.overflowgid 65534
fs.overflowuid 65534
fs.pipe-max-size 1048576
fs.pipe-user-pages-hard 0
fs.pipe-user-pages-soft 16384
fs.protected_fifos 0
fs.protected_hardlinks 1
fs.protected_regular 0
fs.protected_symlinks 0
fs.suid_dumpable 0
kernel.arch:444 x86_64
kernel.cap_last_cap:444 40
kernel.core_pattern core
kernel.core_pipe_limit 0
kernel.core_uses_pid 0
kernel.ctrl-alt-del 1
kernel.dmesg_restrict 1
kernel.hung_task_timeout_secs 120
kernel.io_uring_disabled 0
kernel.keys.maxbytes 20000
kernel.keys.maxkeys 200
kernel.keys.root_maxbytes 25000000
kernel.keys.root_maxkeys 1000000
kernel.kptr_restrict 0
kernel.modprobe /sbin/modprobe
kernel.ngroups_max:444 65536
kernel.ostype:444 Linux
kernel.overflowgid 65534
kernel.overflowuid 65534
kernel.panic 5
kernel.panic_on_oops 0
kernel.perf_event_paranoid 2
kernel.pid_max 4194304
kernel.poweroff_cmd /sbin/poweroff
kernel.printk 4 4 1 7
kernel.printk_devkmsg ratelimit
kernel.pty.max 4096
kernel.pty.reserve 1024
kernel.random.entropy_avail:444 256
kernel.random.poolsize:444 256
kernel.random.urandom_min_reseed_secs 60
kernel.randomize_va_space 2
kernel.sched_autogroup_enabled 1
kernel.sched_cfs_bandwidth_slice_us 5000
kernel.sched_rt_period_us 1000000
kernel.sched_rt_runtime_us 950000
kernel.seccomp.actions_avail:444 kill_process kill_thread trap errno user_notif trace log allow
kernel.seccomp.actions_logged kill_process kill_thread trap errno user_notif trace log
kernel.sysrq 176
kernel.tainted 0
kernel.threads-max 31000
kernel.unprivileged_bpf_disabled 2
kernel.version:444 #1 SMP PREEMPT_DYNAMIC
kernel.watchdog_thresh 10
net.core.bpf_jit_enable 1
net.core.default_qdisc pfifo_fast
net.core.dev_weight 64
net.core.netdev_budget 300
net.core.netdev_max_backlog 1000
user.max_cgroup_namespaces 15500
user.max_inotify_instances 128
user.max_inotify_watches 192536
user.max_ipc_namespaces 15500
user.max_mnt_namespaces 15500
user.max_net_namespaces 15500
user.max_pid_namespaces 15500
user.max_time_namespaces 15500
user.max_user_namespaces 15500
user.max_uts_namespaces 15500
vm.admin_reserve_kbytes 8192
vm.compact_memory:200 0
vm.dirty_background_bytes 0
vm.dirty_background_ratio 10
vm.dirty_bytes 0
vm.dirty_expire_centisecs 3000
vm.dirty_ratio 20
vm.dirty_writeback_centisecs 500
vm.drop_caches:200 0
vm.max_map_count 65530
vm.min_free_kbytes 67584
vm.mmap_min_addr 4096
vm.nr_hugepages 0
vm.nr_overcommit_hugepages 0
vm.oom_dump_tasks 1
vm.oom_kill_allocating_task 0
vm.overcommit_kbytes 0
vm.overcommit_memory 1
vm.overcommit_ratio 50
vm.page-cluster 3
vm.panic_on_oom 0
vm.stat_interval 1
vm.swappiness 60
vm.unprivileged_userfaultfd 0
vm.user_reserve_kbytes 100405
vm.vfs_cache_pressure 100
vm.watermark_scale_factor 10
vm.zone_reclaim_mode 0
`;
