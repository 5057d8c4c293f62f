;; A matcher by hand, for what no compiler writes. Tests put instructions in place of the marked comments and add the
;; component type of the interface. It gives no keys; its messages have no event times; a message with `!` in it is bad.
(module
  (memory $memory (export "memory") 3)
  (table $table 1 funcref)
  (global $heap (mut i32) (i32.const 131072))
  ;; Calls of `extract` so far: state that the interface forbids.
  (global $calls (mut i32) (i32.const 0))

  (data (i32.const 0) "bare")
  (data (i32.const 16) "{}")
  ;; The description: name, version and summary are `bare`, one topic, three schemas, no needs.
  (data (i32.const 32) "\00\00\00\00\04\00\00\00" "\00\00\00\00\04\00\00\00" "\00\00\00\00\04\00\00\00"
    "\60\00\00\00\01\00\00\00" "\10\00\00\00\02\00\00\00" "\10\00\00\00\02\00\00\00" "\10\00\00\00\02\00\00\00" "\00")
  (data (i32.const 96) "\00\00\00\00\04\00\00\00")
  ;; A string that is none, and a reject of message 0 for that reason.
  (data (i32.const 640) "\ff\fe")
  (data (i32.const 656) "\00\00\00\00" "\80\02\00\00\02\00\00\00")

  (func $start (;START;))

  (func $deeper (result i32)
    (i32.add (call $deeper) (i32.const 1)))
  (start $start)

  (func (export "eventlatch:matcher/guest@1.0.0#describe") (result i32)
    (;DESCRIBE;)
    (i32.const 32))

  ;; The settings at 512 are all zeros: fine, no topics, no shift.
  (func (export "eventlatch:matcher/guest@1.0.0#configure") (param i32 i32) (result i32)
    (;CONFIGURE;)
    (i32.const 512))

  (func (export "eventlatch:matcher/guest@1.0.0#prepare") (param i32 i32 i32 i32 i32) (result i32)
    (;PREPARE;)
    unreachable)

  (func (export "eventlatch:matcher/guest@1.0.0#confirm") (param i32 i32) (result i32)
    unreachable)

  ;; The extracts at 256: nothing but a time and a kind of time for each message, from a place that is all zeros.
  (func $extract (export "eventlatch:matcher/guest@1.0.0#extract") (param $batch i32) (result i32)
    (local $count i32)
    (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
    (local.set $count (i32.load offset=20 (local.get $batch)))
    (i32.store offset=24 (i32.const 256) (i32.const 65536))
    (i32.store offset=28 (i32.const 256) (local.get $count))
    (i32.store offset=32 (i32.const 256) (i32.const 65536))
    (i32.store offset=36 (i32.const 256) (local.get $count))
    (i32.store offset=40 (i32.const 256) (i32.const 0))
    (i32.store offset=44 (i32.const 256) (i32.const 0))
    (if (call $is_bad (i32.load offset=8 (local.get $batch)) (i32.load offset=12 (local.get $batch)))
      (then (;BAD;)))
    (;EVERY;)
    (global.set $heap (i32.const 131072))
    (i32.const 256))

  (func $is_bad (param $at i32) (param $left i32) (result i32)
    (loop $next
      (if (i32.eqz (local.get $left)) (then (return (i32.const 0))))
      (if (i32.eq (i32.load8_u (local.get $at)) (i32.const 33)) (then (return (i32.const 1))))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (local.set $left (i32.sub (local.get $left) (i32.const 1)))
      (br $next))
    unreachable)

  (func (export "cabi_realloc") (param i32 i32) (param $align i32) (param $size i32) (result i32)
    (local $at i32)
    (local.set $at (i32.and
      (i32.sub (i32.add (global.get $heap) (local.get $align)) (i32.const 1))
      (i32.sub (i32.const 0) (local.get $align))))
    (global.set $heap (i32.add (local.get $at) (local.get $size)))
    (local.get $at)))
