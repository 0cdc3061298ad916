# packaging/websms.conf → the sample for OpenWrt.
# /var is a RAM disk: what must survive power loss goes on flash.
s|^;* *dir *= */var/spool/websms *$|dir = /etc/websms/queue|
# Port 80 is the router's own web interface, and not to be had without root.
s|^;* *listen *=.*$|listen = 0.0.0.0:8080|
